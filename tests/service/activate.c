/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usage: activate FD UID PROGRAM [ARGUMENT...]: becomes the program, as that user and
 * without any right, with FD as what a service manager passes on. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	uid_t uid;
	char pid[16];

	if (argc < 4 || dup2(atoi(argv[1]), 3) < 0)
		return 99;
	for (int fd = 4; fd < 1024; fd++)
		close(fd);
	uid = (uid_t)atoi(argv[2]);
	if (uid && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
		    setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
		return 98;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return 97;
}
