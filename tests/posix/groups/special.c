/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fifos, sockets, devices. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static void write_fifo(void *arg)
{
	int fd = must(open("p", O_WRONLY));

	must_be(5, write(fd, "hello", 5));
}

static void fifo(void)
{
	char buf[16];
	pid_t pid;
	int fd;

	must(mkfifo("p", 0644));
	pid = spawn(write_fifo, NULL);
	fd = must(open("p", O_RDONLY));
	must_be(5, read(fd, buf, sizeof(buf)));
	must_be(0, memcmp(buf, "hello", 5));
	must_be(0, read(fd, buf, sizeof(buf)));
	reap(pid);
	must_fail(ESPIPE, lseek(fd, 0, SEEK_SET));
}

static void socket_file(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "s" };
	int server = must(socket(AF_UNIX, SOCK_STREAM, 0));
	int client = must(socket(AF_UNIX, SOCK_STREAM, 0));
	int conn;
	char c;

	must(bind(server, (struct sockaddr *)&addr, sizeof(addr)));
	run_script("stat s type = 0140000; stat s mode = 0777; try s RDONLY = ENXIO");
	must_fail(ECONNREFUSED, connect(client, (struct sockaddr *)&addr, sizeof(addr)));
	must(listen(server, 1));
	must(connect(client, (struct sockaddr *)&addr, sizeof(addr)));
	conn = must(accept(server, NULL, NULL));
	must_be(1, write(client, "x", 1));
	must_be(1, read(conn, &c, 1));
	must_fail(EADDRINUSE, bind(must(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&addr,
				   sizeof(addr)));
	/* The name can move; the socket stays reachable under the new one. */
	must(rename("s", "t"));
	strcpy(addr.sun_path, "t");
	must(connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&addr, sizeof(addr)));
	must(unlink("t"));
}

static void device_numbers(void)
{
	const dev_t numbers[] = { 0, 1, 259, makedev(1, 3), makedev(255, 255), makedev(300, 70000) };
	struct stat st;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		must(mknod("c", S_IFCHR | 0600, numbers[i]));
		must(stat("c", &st));
		must_be(numbers[i], st.st_rdev);
		must_be(S_IFCHR | 0600, st.st_mode);
		must(unlink("c"));
		must(mknod("b", S_IFBLK | 0600, numbers[i]));
		must(stat("b", &st));
		must_be(numbers[i], st.st_rdev);
		must(unlink("b"));
	}
}

const struct check checks_special[] = {
	{ "a fifo carries bytes", .run = fifo },
	{ "a fifo without the other side", "mkfifo p 0644; try p WRONLY|NONBLOCK = ENXIO; try p RDONLY|NONBLOCK; open 0 p RDWR; write 0 x = 1; read 0 = x" },
	{ "a socket", .run = socket_file },
	{ "device numbers", .run = device_numbers },
	{ "mknod of a file", "mknod f file 0640; stat f type = 0100000; stat f mode = 0640; stat f size = 0; open 0 f RDWR; write 0 text = 4; mknod f file 0644 = EEXIST" },
	{ "their attributes", "u1: mkfifo p 0640; stat p uid = u1; chmod p 0600; stat p mode = 0600; chown p u2 u2; stat p uid = u2; stat p size = 0; u1: try p RDONLY|NONBLOCK = EACCES" },
	{ "renaming and linking them", "mkfifo p 0644; rename p q; link q r; stat q nlink = 2; unlink q; stat r type = 0010000" },
	{ NULL }
};
