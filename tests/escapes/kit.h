/* What attacks in C share. All of them are compiled into one program (src/escapes/kit.rs), so each begins
 * with this and gives names of its own to what is not main. Only what it prints counts. */
#ifndef KIT_H
#define KIT_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/if_alg.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <linux/bpf.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

/* Variables that the runner sets: SECRET, TARGET, GUARDED, WORK, SOCKETS, MARK, PORT, VICTIM… */
static const char *env(const char *name)
{
	const char *value = getenv(name);

	if (!value) {
		printf("%s is not set\n", name);
		exit(98);
	}
	return value;
}

static long number(const char *name)
{
	return strtol(env(name), NULL, 0);
}

/* The result of a call that must not fail. */
static long must(long result, const char *what)
{
	if (result < 0) {
		printf("%s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}
#define MUST(call) must((long)(call), #call)

/* Pieces of a path, joined; good until called eight times more. */
static const char *join(const char *one, const char *two)
{
	static char room[8][8192];
	static int next;
	char *at = room[next++ % 8];

	snprintf(at, sizeof(room[0]), "%s%s", one, two);
	return at;
}

/* Prints the start of what is in a file. */
static int print_from(int fd)
{
	char bytes[4096];
	ssize_t length = MUST(read(fd, bytes, sizeof(bytes)));

	fflush(stdout);
	if (write(1, bytes, length) < 0)
		return 1;
	return 0;
}

static int print_file(const char *path)
{
	return print_from(MUST(open(path, O_RDONLY)));
}

/* Writes the mark to a file or a socket. */
static int mark(int fd)
{
	MUST(write(fd, env("MARK"), strlen(env("MARK"))));
	return 0;
}

static socklen_t local(struct sockaddr_un *to, const char *name);

/* Shows that it has reached what only the attack itself can see: the mark backwards. */
static int proved(void)
{
	for (const char *at = env("MARK") + strlen(env("MARK")); at-- != env("MARK");)
		putchar(*at);
	return puts("") < 0;
}

/* What somebody outside hands over on a UNIX socket: a descriptor. */
static int handed(const char *path)
{
	struct sockaddr_un to;
	socklen_t length = local(&to, path);
	char byte, control[64];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 64 };
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fd;

	MUST(connect(s, (void *)&to, length));
	MUST(recvmsg(s, &message, 0));
	if (!CMSG_FIRSTHDR(&message)) {
		puts("no descriptor came");
		exit(1);
	}
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* A system call by the gate of 32 bits, from code of 64; its pointers must be low. */
static long call_32(long number, long one, long two, long three, long four)
{
	long result;

	asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(one), "c"(two), "d"(three), "S"(four)
		     : "memory", "r8", "r9", "r10", "r11");
	if ((int)result < 0 && (int)result > -4096) {
		errno = -(int)result;
		return -1;
	}
	return result;
}

/* A copy of a text where a pointer of 32 bits reaches. */
static long low(const char *text)
{
	char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (page == MAP_FAILED)
		must(-1, "memory below 4 GiB");
	return (long)strcpy(page, text);
}

/* Shows what it has got, until the runner has seen it. */
static int holding(void)
{
	puts("holding");
	fflush(stdout);
	for (;;)
		pause();
}

/* The server outside, on an address. */
static struct sockaddr_in v4(const char *address, long port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, address, &to.sin_addr);
	return to;
}

static struct sockaddr_in6 v6(const char *address, long port)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	inet_pton(AF_INET6, address, &to.sin6_addr);
	return to;
}

/* A UNIX socket's address; an abstract one for a name that begins with @. */
static socklen_t local(struct sockaddr_un *to, const char *name)
{
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	strncpy(to->sun_path, name, sizeof(to->sun_path) - 1);
	if (name[0] == '@')
		to->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] != '@');
}

/* The order that a helper outside carries out: a file where none may be made. */
static const char *order(void)
{
	return join("echo order >", join(env("GUARDED"), "/ordered\n"));
}

/* Runs a program that is open, with the environment as it is. */
static int run_open(int fd, int flags)
{
	char *const words[] = { "payload", NULL };

	return MUST(syscall(SYS_execveat, fd, "", words, environ, AT_EMPTY_PATH | flags));
}

/* Copies a file to a descriptor. */
static void copy_to(const char *from, int to)
{
	char bytes[65536];
	int fd = MUST(open(from, O_RDONLY));
	ssize_t length;

	while ((length = MUST(read(fd, bytes, sizeof(bytes)))) > 0)
		MUST(write(to, bytes, length));
	close(fd);
}

/* A copy of the attacker's program in the workspace. */
static const char *own_program(const char *name)
{
	const char *path = join(env("WORK"), name);
	int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755));

	copy_to(env("PAYLOAD"), fd);
	close(fd);
	return path;
}

static void write_text(const char *path, const char *text)
{
	int fd = MUST(open(path, O_WRONLY));

	MUST(write(fd, text, strlen(text)));
	close(fd);
}

/* A process that opens a file to write, again and again, and writes the mark to it. */
static pid_t keep_writing(const char *path)
{
	pid_t child = MUST(fork());

	if (child)
		return child;
	for (;;) {
		int fd = open(path, O_WRONLY);

		if (fd >= 0)
			mark(fd);
		close(fd);
	}
}

/* Has all capabilities in a user namespace of its own, with other namespaces. It goes on without a name there
 * where the maps can't be written: capabilities don't ask for one. */
static void own_namespaces(int flags)
{
	const char *files[] = { "/proc/self/setgroups", "/proc/self/uid_map", "/proc/self/gid_map" };
	char text[3][64] = { "deny" };

	snprintf(text[1], 64, "0 %d 1", getuid());
	snprintf(text[2], 64, "0 %d 1", getgid());
	MUST(unshare(CLONE_NEWUSER | flags));
	for (int i = 0; i < 3; i++) {
		int fd = open(files[i], O_WRONLY);
		if (fd < 0 || write(fd, text[i], strlen(text[i])) < 0)
			perror(files[i]);
		close(fd);
	}
}

/* A ring of io_uring: one request at a time. */
struct ring {
	int fd;
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static void ring_make(struct ring *r, unsigned flags)
{
	memset(r, 0, sizeof(*r));
	r->p.flags = flags;
	r->p.sq_thread_idle = 2000;
	r->fd = MUST(syscall(SYS_io_uring_setup, 4, &r->p));
	r->sq = mmap(0, r->p.sq_off.array + 4 * r->p.sq_entries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		     IORING_OFF_SQ_RING);
	r->cq = mmap(0, r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(0, r->p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	if (r->sq == MAP_FAILED || r->cq == MAP_FAILED || r->sqes == MAP_FAILED)
		must(-1, "mapping a ring");
}

/* Does one request and returns what came of it. */
static int ring_do(struct ring *r, struct io_uring_sqe request)
{
	unsigned *tail = (unsigned *)(r->sq + r->p.sq_off.tail), *array = (unsigned *)(r->sq + r->p.sq_off.array);
	unsigned mask = *(unsigned *)(r->sq + r->p.sq_off.ring_mask), slot = *tail & mask;
	unsigned *head = (unsigned *)(r->cq + r->p.cq_off.head);
	unsigned *flags = (unsigned *)(r->sq + r->p.sq_off.flags);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(r->cq + r->p.cq_off.cqes);
	int result;

	r->sqes[slot] = request;
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (r->p.flags & IORING_SETUP_SQPOLL) {
		/* Whether the thread sleeps must not be read before it could see the request. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
			MUST(syscall(SYS_io_uring_enter, r->fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0));
		MUST(syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	} else {
		MUST(syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	}
	while (__atomic_load_n((unsigned *)(r->cq + r->p.cq_off.tail), __ATOMIC_ACQUIRE) == *head)
		usleep(1000);
	result = cqes[*head & *(unsigned *)(r->cq + r->p.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return result;
}
#endif
