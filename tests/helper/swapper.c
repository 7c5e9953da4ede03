/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes what a path means, as fast as it can, until SIGTERM; then prints how
 * often it has done so.
 *
 * usage: swapper exchange A B    exchanges two names
 *        swapper recreate A      removes a directory and makes it again
 *        swapper cover A         mounts a tmpfs of root's and unmounts it; also
 *                                prints how many of these were taken away
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stop;
static unsigned long rounds, lost;

static void on_term(int sig)
{
	stop = sig;
}

static void exchange(const char *a, const char *b)
{
	rounds += renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

static void recreate(const char *a)
{
	rounds += rmdir(a) == 0;
	mkdir(a, 0755);
}

/*
 * The directory "mark" tells our tmpfs from what else may be there. A FUSE
 * mount on top of it, which hides the mark, is waited for: that is for the
 * test to see and to remove.
 */
static void cover(const char *a)
{
	char mark[4096];

	if (mount("cover", a, "tmpfs", 0, "mode=755") < 0)
		return;
	snprintf(mark, sizeof(mark), "%s/mark", a);
	while (mkdir(mark, 0700) < 0 && errno != EEXIST && !stop)
		usleep(100);
	usleep(rounds % 8 * 50);
	while (access(mark, F_OK) < 0 && errno != ENOENT && !stop)
		usleep(100);
	if (access(mark, F_OK) < 0 && errno == ENOENT) {
		lost++;
		return;
	}
	rounds++;
	/* Until it is ours that has gone: something may have come on top. */
	while (!stop && (access(mark, F_OK) == 0 || errno != ENOENT))
		if (access(mark, F_OK) < 0 || umount2(a, UMOUNT_NOFOLLOW) < 0)
			usleep(100);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_term};

	if (argc < 3)
		return 2;
	sigaction(SIGTERM, &sa, NULL);
	while (!stop) {
		if (strcmp(argv[1], "exchange") == 0)
			exchange(argv[2], argv[3]);
		else if (strcmp(argv[1], "recreate") == 0)
			recreate(argv[2]);
		else
			cover(argv[2]);
	}
	printf("%lu %lu\n", rounds, lost);
	return 0;
}
