/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where modules come from. */
#include "highlevel/fs_stack.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/compiler.h"
#include "base/log.h"

static const struct {
	const char *name;
	fuse_module_factory_t factory;
} ours[] = {
	{"subdir", hl_subdir_new},
	{"iconv", hl_iconv_new},
};

static fuse_module_factory_t find_symbol(void *library, const char *name)
{
	char symbol[NAME_MAX];
	fuse_module_factory_t *factory;

	snprintf(symbol, sizeof(symbol), "fuse_module_%s_factory", name);
	factory = dlsym(library, symbol);
	return factory ? *factory : NULL;
}

static fuse_module_factory_t load(const char *name)
{
	char file[NAME_MAX];
	fuse_module_factory_t factory;
	void *library;

	snprintf(file, sizeof(file), "libfusemod_%s.so", name);
	library = dlopen(file, RTLD_NOW);
	if (!library) {
		fuse_log(FUSE_LOG_ERR, "fuse: no module `%s': %s\n", name, dlerror());
		return NULL;
	}
	/* It stays: filesystems of this process may use it until it ends. */
	factory = find_symbol(library, name);
	if (!factory) {
		fuse_log(FUSE_LOG_ERR, "fuse: %s has no fuse_module_%s_factory\n", file, name);
		dlclose(library);
	}
	return factory;
}

fuse_module_factory_t hl_module_factory(const char *name)
{
	fuse_module_factory_t factory;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (!strcmp(ours[i].name, name))
			return ours[i].factory;
	}
	if (strlen(name) > NAME_MAX / 2 || strchr(name, '/')) {
		fuse_log(FUSE_LOG_ERR, "fuse: bad module name `%s'\n", name);
		return NULL;
	}
	factory = find_symbol(RTLD_DEFAULT, name);
	return factory ? factory : load(name);
}

/* ---- help ---- */

static void print_help(const char *name, fuse_module_factory_t factory)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_fs *below = NULL;

	if (fuse_opt_add_arg(&args, "") || fuse_opt_add_arg(&args, "-h")) {
		fuse_opt_free_args(&args);
		return;
	}
	printf("\nOptions for %s module:\n", name);
	factory(&args, &below);
	fuse_opt_free_args(&args);
}

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (!strcmp(ours[i].name, name))
			return true;
	}
	return false;
}

/* The list stays in args for whoever comes after. */
static char *wanted_modules(struct fuse_args *args)
{
	static const struct fuse_opt opts[] = {
		{"modules=%s", 0, 0},
		FUSE_OPT_KEY("modules=", FUSE_OPT_KEY_KEEP),
		FUSE_OPT_END,
	};
	char *list = NULL;

	if (args && fuse_opt_parse(args, &list, opts, NULL) < 0)
		return NULL;
	return list;
}

void hl_modules_help(struct fuse_args *args)
{
	CLEANUP_FREE char *list = wanted_modules(args);
	char *name, *rest;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		print_help(ours[i].name, ours[i].factory);
	if (!list)
		return;
	for (name = strtok_r(list, ":", &rest); name; name = strtok_r(NULL, ":", &rest)) {
		fuse_module_factory_t factory = is_ours(name) ? NULL : hl_module_factory(name);

		if (factory)
			print_help(name, factory);
	}
}
