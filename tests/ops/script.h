/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scripted filesystem's inside. */
#ifndef PROFUSE_TESTS_OPS_SCRIPT_H
#define PROFUSE_TESTS_OPS_SCRIPT_H

#include "scriptfs.h"

#define MAX_NODES   256
#define MAX_HELPERS 4096

struct script {
	struct script *next;
	fs_answer_t answer;
	void *data;
};

struct log_line {
	struct log_line *next;
	enum fuse_log_level level;
	char *text;
};

struct node {
	fuse_ino_t ino, parent;
	char name[256];
	mode_t mode;
	off_t size;
};

struct scriptfs {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct script *scripts[PROTO_OP_COUNT];
	struct fs_call *calls, **calls_last;
	struct log_line *log, **log_last;
	struct node nodes[MAX_NODES];
	int node_count;
	fuse_ino_t next_ino;
	uint64_t opens;
	bool seen[PROTO_OP_COUNT];
	bool notified[FUSE_NOTIFY_CODE_MAX];
	int last_reply, inits, destroys;
	void (*on_init)(struct fuse_conn_info *conn);
	pthread_t helpers[MAX_HELPERS];
	int helper_count;
	bool show_log;
};

void fs_handle(struct scriptfs *fs, const struct fs_call *call);

#endif
