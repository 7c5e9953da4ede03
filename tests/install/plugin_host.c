/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: plugin_host PLUGIN deepbind|dlmopen MOUNTPOINT MOUNTPOINT
 *
 * Serves the second mountpoint itself and has the plugin, which is linked with
 * another library, serve the first, in one process. Status 0 when both have
 * been unmounted and the libraries had different versions.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#define ANSWER "from the program\n"
#include "two_files.h"

static int (*plugin_serve)(const char *mountpoint, const char **version);
static const char *version = "none";

static void *run_plugin(void *mountpoint)
{
	return (void *)(intptr_t)plugin_serve(mountpoint, &version);
}

int main(int argc, char *argv[])
{
	pthread_t thread;
	void *handle, *res;
	int own;

	if (argc != 5)
		return 2;
	if (strcmp(argv[2], "dlmopen") == 0)
		handle = dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
	else
		handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&plugin_serve = dlsym(handle, "plugin_serve");
	if (!plugin_serve || pthread_create(&thread, NULL, run_plugin, argv[3]))
		return 1;
	own = serve(argv[4]);
	pthread_join(thread, &res);
	fprintf(stderr, "program %s: %d, plugin %s: %d\n", fuse_pkgversion(), own, version,
		(int)(intptr_t)res);
	return own || res || strcmp(version, fuse_pkgversion()) == 0;
}
