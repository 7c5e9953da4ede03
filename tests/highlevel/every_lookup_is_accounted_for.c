/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random operations from several clients of a mock kernel: afterwards every
 * lookup is forgotten, no node and no handle is left, and no answer was wrong.
 *
 * usage: ... [OPERATIONS] (default 40000; PROFUSE_OPERATIONS in the environment)
 */
#include "served.h"
#include "treefs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS 4
#define KNOWN	64

static struct served served;
static long operations = 40000;

struct client {
	pthread_t thread;
	uint64_t rng;
	/* Lookups that this client holds, one each. */
	uint64_t known[KNOWN];
	unsigned int count;
};

static uint32_t pick(struct client *c, uint32_t n)
{
	c->rng ^= c->rng << 13;
	c->rng ^= c->rng >> 7;
	c->rng ^= c->rng << 17;
	return (uint32_t)((c->rng >> 11) % n);
}

static uint64_t some_node(struct client *c)
{
	return c->count && pick(c, 4) ? c->known[pick(c, c->count)] : FUSE_ROOT_ID;
}

static const char *some_name(struct client *c, char *buf)
{
	sprintf(buf, "name%u", pick(c, 12));
	return buf;
}

static void keep(struct client *c, uint64_t ino)
{
	if (c->count == KNOWN) {
		unsigned int i = pick(c, KNOWN);

		mock_forget(served.m, c->known[i], 1);
		c->known[i] = ino;
	} else {
		c->known[c->count++] = ino;
	}
}

static void drop_one(struct client *c)
{
	unsigned int i;

	if (!c->count)
		return;
	i = pick(c, c->count);
	mock_forget(served.m, c->known[i], 1);
	c->known[i] = c->known[--c->count];
}

static void open_and_close(struct client *c, bool make)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	uint64_t ino = some_node(c);
	char name[32];
	int err;

	if (make) {
		err = mock_create(served.m, ino, some_name(c, name), O_RDWR | O_CREAT, 0644, &e,
				  &o);
		if (!err)
			keep(c, ino = e.nodeid);
	} else {
		err = mock_open(served.m, ino, O_RDWR, &o);
	}
	if (err)
		return;
	if (pick(c, 2))
		mock_flush(served.m, ino, o.fh, 1);
	/* Something may be removed meanwhile. */
	if (pick(c, 2))
		usleep(pick(c, 300));
	mock_release(served.m, ino, o.fh, O_RDWR);
}

/* The kernel counts what a listing hands out, whether anybody looks or not. */
static void list(struct client *c, bool plus)
{
	uint64_t dir = some_node(c);
	char text[8192];

	list_names(served.m, dir, plus, text, sizeof(text));
}

static void one_operation(struct client *c)
{
	uint64_t dir = some_node(c);
	struct fuse_entry_out e;
	struct fuse_attr_out a;
	char name[32], to[32];

	switch (pick(c, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		if (!mock_lookup(served.m, dir, some_name(c, name), &e) && e.nodeid)
			keep(c, e.nodeid);
		break;
	case 4:
	case 5:
		mock_getattr(served.m, dir, NULL, &a);
		break;
	case 6:
		if (!mock_mkdir(served.m, dir, some_name(c, name), 0755, &e))
			keep(c, e.nodeid);
		break;
	case 7:
		mock_unlink(served.m, dir, some_name(c, name));
		break;
	case 8:
		mock_rmdir(served.m, dir, some_name(c, name));
		break;
	case 9:
	case 10:
		mock_rename(served.m, dir, some_name(c, name), some_node(c), some_name(c, to),
			    pick(c, 5) ? 0 : RENAME_EXCHANGE);
		break;
	case 11:
		open_and_close(c, true);
		break;
	case 12:
		open_and_close(c, false);
		break;
	case 13:
		list(c, true);
		break;
	case 14:
		list(c, false);
		break;
	case 15:
		drop_one(c);
		break;
	}
}

static void *client(void *arg)
{
	struct client *c = arg;

	for (long i = 0; i < operations / CLIENTS; i++)
		one_operation(c);
	while (c->count)
		mock_forget(served.m, c->known[--c->count], 1);
	return NULL;
}

static void run(const char *options, unsigned int threads)
{
	struct client clients[CLIENTS] = {0};

	treefs_reset();
	serve_start(&served, &treefs_operations, options, threads, NULL);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].rng = 0x9e3779b97f4a7c15u * (unsigned int)(i + 1);
		assert_int_equal(pthread_create(&clients[i].thread, NULL, client, &clients[i]), 0);
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i].thread, NULL);
	serve_end(&served, true);
	assert_int_equal(treefs_open_files, 0);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
}

static void on_one_thread(void **state)
{
	run(NULL, 0);
}

static void on_several_threads(void **state)
{
	run(NULL, 6);
}

static void without_hiding(void **state)
{
	run("hard_remove,negative_timeout=1", 6);
}

static void with_offsets_and_auto_cache(void **state)
{
	treefs_offsets = true;
	run("auto_cache,use_ino,readdir_ino", 6);
}

static void over_a_stream_of_bytes(void **state)
{
	serve_wire = MOCK_STREAM;
	run(NULL, 6);
	serve_wire = MOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_one_thread),
		cmocka_unit_test(on_several_threads),
		cmocka_unit_test(without_hiding),
		cmocka_unit_test(with_offsets_and_auto_cache),
		cmocka_unit_test(over_a_stream_of_bytes),
	};
	const char *wanted = argc > 1 ? argv[1] : getenv("PROFUSE_OPERATIONS");

	if (wanted)
		operations = atol(wanted);
	log_capture();
	return cmocka_run_group_tests_name("every lookup is accounted for", tests, NULL, NULL);
}
