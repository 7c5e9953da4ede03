/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command line options in the manner of mount(8): single letters, long
 * options, and comma separated lists after -o.
 *
 * A program describes what it understands in an array of struct fuse_opt and
 * calls fuse_opt_parse(). What it does not understand stays in the argument
 * list for the next parser, so that a filesystem, fuse_main() and the mount
 * code take what is theirs one after the other.
 */
#ifndef FUSE_OPT_H_
#define FUSE_OPT_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One option. The template says how it is written:
 *
 *   "-x" "-foo" "--foo" "--foo-bar"   an argument of its own, exactly so
 *   "foo" "foo-bar"                   an element of an -o list, exactly so
 *   "foo="  "-x=" "--foo="            the same with any text after the '='
 *   "foo=%s" "--foo=%lu" ...          the same; the text is converted
 *   "-x " "-x %s"                     the parameter follows, either in the
 *                                     same argument or as the next one
 *
 * What happens on a match depends on offset:
 *
 *   an offset into the structure passed as data (offsetof):
 *     without a conversion in the template the int found there is set to
 *     value; with one, the text after the '=' or blank is converted by
 *     sscanf(3) and stored there. %s stores a fresh copy made with malloc();
 *     a string stored there before is freed first, so it must be NULL or
 *     heap memory to begin with.
 *   FUSE_OPT_KEY (the offset -1U):
 *     the processing function is called with value as its key, unless value
 *     is FUSE_OPT_KEY_KEEP or FUSE_OPT_KEY_DISCARD.
 *
 * One argument may match several templates; each of them acts.
 */
struct fuse_opt {
	/* How the option is written. NULL ends the array. */
	const char *templ;

	/* Where to store, as offset in bytes into data; or -1U for the key. */
	unsigned long offset;

	/* What to store where the template holds no conversion; or the key. */
	int value;
};

/* An entry that calls the processing function with the given key. */
#define FUSE_OPT_KEY(templ, key)                                                                   \
	{                                                                                          \
		templ, -1U, key                                                                    \
	}

/* The last entry of an array of options. */
#define FUSE_OPT_END                                                                               \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

/* An argument vector that can grow and shrink. */
struct fuse_args {
	/* Number of arguments, the program name included. */
	int argc;

	/* The arguments, ended by NULL. */
	char **argv;

	/* Whether argv and its strings are heap memory owned by this structure.
	 * 0 after FUSE_ARGS_INIT; the functions below copy before they change. */
	int allocated;
};

/* Initial value from main()'s arguments, which stay with the caller. */
#define FUSE_ARGS_INIT(argc, argv)                                                                 \
	{                                                                                          \
		argc, argv, 0                                                                      \
	}

/* Keys for the processing function: something that matched no template ... */
#define FUSE_OPT_KEY_OPT    -1 /* ... an option */
#define FUSE_OPT_KEY_NONOPT -2 /* ... an argument that is no option, or follows "--" */

/* Values for a FUSE_OPT_KEY entry that need no processing function. */
#define FUSE_OPT_KEY_KEEP    -3 /* leave the option in the argument list */
#define FUSE_OPT_KEY_DISCARD -4 /* remove it, do nothing else */

/*
 * The processing function of a parser. It is called for every argument that
 * matched an entry with a key of its own and for every one that matched none.
 *
 * data     what was passed to fuse_opt_parse()
 * arg      the argument or list element. For a template with a parameter ("-x ")
 *          that came as two arguments both are joined here. Valid during the call.
 * key      FUSE_OPT_KEY_OPT, FUSE_OPT_KEY_NONOPT, or the value of the entry
 * outargs  the argument list that is being built; more may be added to it
 *
 * Returns 1 to keep arg in the list, 0 to drop it, -1 to fail the parse.
 */
typedef int (*fuse_opt_proc_t)(void *data, const char *arg, int key, struct fuse_args *outargs);

/*
 * Takes the known options out of args.
 *
 * args[0] is passed over. Unknown options and arguments remain, collected so
 * that all -o lists become one, which stands in front. "--" ends the options;
 * it stays only if an argument stays behind it. In -o lists a backslash takes
 * the next character literally, and \ooo (three octal digits) stands for that
 * byte.
 *
 * args may be NULL (nothing to parse, success). opts NULL means no known
 * options, proc NULL keeps everything.
 *
 * Returns 0, or -1 on a malformed option, on failure of proc and out of
 * memory, with a message in the log. On failure args still holds the
 * arguments it had.
 */
int fuse_opt_parse(struct fuse_args *args, void *data, const struct fuse_opt opts[],
		   fuse_opt_proc_t proc);

/*
 * Appends opt to the comma separated list *opts, which is NULL or a malloc()ed
 * string and is reallocated. Returns 0, or -1 out of memory (*opts unchanged).
 */
int fuse_opt_add_opt(char **opts, const char *opt);

/* The same, with backslashes in front of commas and backslashes of opt, so
 * that it stays one element when the list is parsed. */
int fuse_opt_add_opt_escaped(char **opts, const char *opt);

/*
 * Appends a copy of arg. If args is not allocated yet, the whole vector is
 * copied first. Returns 0, or -1 out of memory (args still valid).
 */
int fuse_opt_add_arg(struct fuse_args *args, const char *arg);

/*
 * Puts a copy of arg at position pos, moving what follows. 1 is the usual
 * position: after the program name, before any "--". pos must be between 0
 * and args->argc; otherwise, and out of memory, -1 is returned.
 */
int fuse_opt_insert_arg(struct fuse_args *args, int pos, const char *arg);

/* Frees what args owns and makes it empty. The structure itself stays. NULL
 * and never-allocated vectors are fine. */
void fuse_opt_free_args(struct fuse_args *args);

/* Returns 1 if opt would match an entry of opts, else 0. */
int fuse_opt_match(const struct fuse_opt opts[], const char *opt);

#ifdef __cplusplus
}
#endif

#endif /* FUSE_OPT_H_ */
