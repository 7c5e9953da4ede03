# SPDX-License-Identifier: LGPL-2.1-or-later
# For the scripts in this folder: a directory and a mount point that go away,
# and what a greeting filesystem ($dir/greeting) must be able to do.

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	exit 1
}

# Waits up to 20 s for a condition.
await() {
	i=0
	until "$@"; do
		i=$((i + 1))
		[ $i -lt 200 ] || return 1
		sleep 0.1
	done
}

dir=$(mktemp -d)
mnt=$dir/mnt
pid=
clean_up() {
	umount -l "$mnt" 2>/dev/null || true
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	rm -rf --one-file-system "$dir"
}
trap clean_up EXIT
command -v pkg-config >/dev/null || skip "pkg-config is not installed"

greeting_serves() {
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "built and started; /dev/fuse cannot be opened"
	mkdir "$mnt"
	for options in "-f" "-f -s" "-f -oclone_fd"; do
		# shellcheck disable=SC2086
		"$dir/greeting" $options "$mnt" &
		pid=$!
		await test -f "$mnt/greeting" || fail "$options: nothing is mounted"
		[ "$(cat "$mnt/greeting")" = "installed and alive" ] || fail "$options: wrong contents"
		[ "$(ls "$mnt")" = greeting ] || fail "$options: wrong listing"
		grep -q " $mnt fuse.greeting " /proc/self/mounts || fail "$options: wrong type of mount"
		umount "$mnt"
		wait "$pid" || fail "$options: exit status $? after the unmount"
		pid=
	done

	# In the background: what the shell waited for must be usable at once.
	"$dir/greeting" "$mnt" </dev/null || fail "going into the background"
	[ "$(cat "$mnt/greeting")" = "installed and alive" ] || fail "wrong contents in the background"
	umount "$mnt"

	# A signal ends it, takes the mount along, and is the loop's result.
	"$dir/greeting" -f "$mnt" &
	pid=$!
	await test -f "$mnt/greeting" || fail "nothing is mounted"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq 15 ] || fail "exit status $status after SIGTERM"
	if grep -q " $mnt " /proc/self/mounts; then
		fail "the mount outlived SIGTERM"
	fi
}
