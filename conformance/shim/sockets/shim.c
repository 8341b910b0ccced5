// SPDX-License-Identifier: Apache-2.0
//
// The conformance shim for stacks with the SCTP socket API (RFC 6458): usrsctp, and with -DKERNEL that of the Linux kernel.
// An echo service on one SCTP port, in UDP, and the acts of docs/conformance.md; every association is echoed to.
//
//   gcc -O2 -o shim-usrsctp shim.c -lusrsctp -lpthread
//   gcc -O2 -static -DKERNEL -o shim-kernel shim.c -lpthread
//
//   shim-usrsctp [-addr ADDRESS[,ADDRESS]] [-udp PORT] [-port PORT] [-spare ADDRESS] [-idata 1] [-caps NAME[,NAME]]
//
// With usrsctp, UDP port 0 is any free one. That of the kernel is net.sctp.udp_port; -udp must say the same.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifdef KERNEL
#include <linux/sctp.h>
typedef int sock;
#define BAD -1
#define NAME "kernel"
#define x_socket() socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)
#define x_setsockopt setsockopt
#define x_bind bind
#define x_listen listen
#define x_accept accept
#define x_connect connect
#define x_shutdown shutdown
#define x_close close
#define DEFAULT_CAPS "echo,echo-u,grant,pf"
#else
#include <linux/capability.h>
#include <sys/syscall.h>
#include <usrsctp.h>
typedef struct socket *sock;
#define BAD NULL
#define NAME "usrsctp"
#define x_socket() usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL)
#define x_setsockopt usrsctp_setsockopt
#define x_bind usrsctp_bind
#define x_listen usrsctp_listen
#define x_accept usrsctp_accept
#define x_connect usrsctp_connect
#define x_shutdown usrsctp_shutdown
#define x_close usrsctp_close
#define DEFAULT_CAPS "echo,echo-u,grant,pf"
#define SCTP_INTERLEAVING_SUPPORTED 0x1206 // its header keeps it to itself
#endif

#define MAX_MESSAGE (4 << 20)
#define MAX_ADDRESSES 8
#define MAX_ARGS 24

struct conn {
	struct conn *next;
	sock so;
	int port; // the peer's SCTP port
	bool open, noread;
	atomic_bool aborting; // the thread that reads shall close
};

static struct conn *conns; // the latest first
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct sockaddr_in locals[MAX_ADDRESSES];
static int nlocals;
static bool idata; // offer I-DATA (RFC 8260)

static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	flockfile(stdout);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
	va_end(args);
}

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "shim-" NAME ": %s: %s\n", what, strerror(errno));
	_exit(1);
}

static int addresses(const char *text, int port, struct sockaddr_in *to)
{
	char copy[512], *save;
	int n = 0;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *p = strtok_r(copy, ",", &save); p && n < MAX_ADDRESSES; p = strtok_r(NULL, ",", &save)) {
		memset(&to[n], 0, sizeof to[n]);
		to[n].sin_family = AF_INET;
		to[n].sin_port = htons((uint16_t)port);
#ifdef HAVE_SIN_LEN
		to[n].sin_len = sizeof to[n];
#endif
		if (inet_pton(AF_INET, p, &to[n].sin_addr) != 1) {
			errno = EINVAL;
			return -1;
		}
		n++;
	}
	return n;
}

static int bindx(sock so, struct sockaddr_in *a, int n, bool add)
{
#ifdef KERNEL
	return setsockopt(so, IPPROTO_SCTP, add ? SCTP_SOCKOPT_BINDX_ADD : SCTP_SOCKOPT_BINDX_REM, a, (socklen_t)((size_t)n * sizeof *a));
#else
	return usrsctp_bindx(so, (struct sockaddr *)a, n, add ? SCTP_BINDX_ADD_ADDR : SCTP_BINDX_REM_ADDR);
#endif
}

static int connectx(sock so, struct sockaddr_in *a, int n)
{
#ifdef KERNEL
	int r = setsockopt(so, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX, a, (socklen_t)((size_t)n * sizeof *a));
	return r > 0 ? 0 : r;
#else
	return n == 1 ? usrsctp_connect(so, (struct sockaddr *)a, sizeof *a) : usrsctp_connectx(so, (struct sockaddr *)a, n, NULL);
#endif
}

// options makes what the peer may ask for possible.
static void options(sock so)
{
	int on = 1, buffer = 4 << 20; // sending does not wait: an abort would wait behind it
	struct sctp_initmsg init = {.sinit_num_ostreams = 64, .sinit_max_instreams = 2048};
	struct sctp_assoc_value reset = {.assoc_value = 7};
	x_setsockopt(so, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	x_setsockopt(so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init);
	x_setsockopt(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
	x_setsockopt(so, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on);
	x_setsockopt(so, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset);
#ifdef KERNEL
	// A socket that another thread waits on does not end when it is closed: look up now and then.
	struct timeval look = {.tv_usec = 50000};
	x_setsockopt(so, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look);
	int level = 1;
#else
	int level = 2; // what it wants for I-DATA
#endif
	if (idata) {
		struct sctp_assoc_value yes = {.assoc_value = 1};
		x_setsockopt(so, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &level, sizeof level);
		x_setsockopt(so, IPPROTO_SCTP, SCTP_INTERLEAVING_SUPPORTED, &yes, sizeof yes);
	}
}

struct message {
	uint16_t stream, flags;
	uint32_t ppid, ttl; // ppid as on the wire
	size_t size;
	char *data;
};

static int send_message(sock so, const struct message *m)
{
	struct sctp_sndinfo snd = {.snd_sid = m->stream, .snd_flags = m->flags, .snd_ppid = m->ppid};
	struct sctp_prinfo pr = {.pr_policy = SCTP_PR_SCTP_TTL, .pr_value = m->ttl};
#ifdef KERNEL
	union {
		char space[CMSG_SPACE(sizeof snd) + CMSG_SPACE(sizeof pr)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = m->data, .iov_len = m->size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
	memset(&control, 0, sizeof control);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = IPPROTO_SCTP;
	c->cmsg_type = SCTP_SNDINFO;
	c->cmsg_len = CMSG_LEN(sizeof snd);
	memcpy(CMSG_DATA(c), &snd, sizeof snd);
	msg.msg_controllen = CMSG_SPACE(sizeof snd);
	if (m->ttl) {
		msg.msg_controllen = sizeof control.space;
		c = CMSG_NXTHDR(&msg, c);
		c->cmsg_level = IPPROTO_SCTP;
		c->cmsg_type = SCTP_PRINFO;
		c->cmsg_len = CMSG_LEN(sizeof pr);
		memcpy(CMSG_DATA(c), &pr, sizeof pr);
	}
	return sendmsg(so, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
#else
	struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID, .sendv_sndinfo = snd};
	if (m->ttl) {
		spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
		spa.sendv_prinfo = pr;
	}
	return usrsctp_sendv(so, m->data, m->size, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0) < 0 ? -1 : 0;
#endif
}

// receive reads a whole message into m, whose data has room for MAX_MESSAGE; false at the end.
static bool receive(struct conn *conn, struct message *m)
{
	sock so = conn->so;
	m->size = 0;
	for (;;) {
		int flags = 0;
		ssize_t n;
		struct sctp_rcvinfo rcv;
		memset(&rcv, 0, sizeof rcv);
#ifdef KERNEL
		union {
			char space[CMSG_SPACE(256)];
			struct cmsghdr align;
		} control;
		struct iovec iov = {.iov_base = m->data + m->size, .iov_len = MAX_MESSAGE - m->size};
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
		n = recvmsg(so, &msg, 0);
		if (n > 0)
			for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
				if (c->cmsg_level == IPPROTO_SCTP && c->cmsg_type == SCTP_RCVINFO)
					memcpy(&rcv, CMSG_DATA(c), sizeof rcv);
		flags = msg.msg_flags;
#else
		struct sockaddr_storage from;
		socklen_t fromlen = sizeof from, infolen = sizeof rcv;
		unsigned int type = 0;
		n = usrsctp_recvv(so, m->data + m->size, MAX_MESSAGE - m->size, (struct sockaddr *)&from, &fromlen, &rcv, &infolen, &type, &flags);
#endif
		if (n < 0 && (errno == EINTR || errno == EAGAIN) && !conn->aborting)
			continue;
		if (n <= 0)
			return false;
		if (flags & MSG_NOTIFICATION)
			continue;
		m->size += (size_t)n;
		m->stream = rcv.rcv_sid;
		m->ppid = rcv.rcv_ppid;
		m->flags = rcv.rcv_flags & SCTP_UNORDERED;
		if ((flags & MSG_EOR) || m->size == MAX_MESSAGE)
			return true;
	}
}

static void *echo(void *arg)
{
	struct conn *c = arg;
	struct message m = {.data = malloc(MAX_MESSAGE)};
	while (m.data) {
		pthread_mutex_lock(&lock);
		while (c->noread && c->open && !c->aborting)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		if (!receive(c, &m))
			break;
		send_message(c->so, &m);
	}
	free(m.data);
	pthread_mutex_lock(&lock);
	if (c->open) {
		c->open = false;
		x_close(c->so);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void start(void *(*f)(void *), void *arg)
{
	pthread_t t;
	if (pthread_create(&t, NULL, f, arg) != 0)
		die("pthread_create");
	pthread_detach(t);
}

static struct conn *add(sock so, int port)
{
	struct conn *c = calloc(1, sizeof *c);
	if (!c)
		die("calloc");
	c->so = so;
	c->port = port;
	c->open = true;
	pthread_mutex_lock(&lock);
	c->next = conns;
	conns = c;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return c;
}

#ifndef KERNEL
// encapsulate has addresses that the peer adds later reached by UDP too, at the port of the one that is known.
static void encapsulate(sock so, const struct sockaddr_in *peer)
{
	struct sctp_udpencaps e;
	socklen_t n = sizeof e;
	memset(&e, 0, sizeof e);
	memcpy(&e.sue_address, peer, sizeof *peer);
	if (usrsctp_getsockopt(so, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &e, &n) < 0)
		return;
	((struct sockaddr_in *)&e.sue_address)->sin_addr.s_addr = INADDR_ANY;
	e.sue_assoc_id = 0;
	usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &e, sizeof e);
}

// no_raw_sockets keeps usrsctp from answering SCTP packets that are not in UDP, its own among them, when it is run by root.
static void no_raw_sockets(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &h, d) < 0)
		return;
	d[0].effective &= ~(1u << CAP_NET_RAW);
	syscall(SYS_capset, &h, d);
}
#endif

static void *accept_all(void *arg)
{
	sock ln = *(sock *)arg;
	for (;;) {
		struct sockaddr_in from;
		socklen_t n = sizeof from;
		sock so = x_accept(ln, (struct sockaddr *)&from, &n);
		if (so == BAD) {
			if (errno == EINTR || errno == EAGAIN || errno == ECONNABORTED)
				continue;
			die("accept");
		}
		options(so);
#ifndef KERNEL
		encapsulate(so, &from);
#endif
		start(echo, add(so, ntohs(from.sin_port)));
	}
}

// The arguments of a line.
struct args {
	char *name[MAX_ARGS], *value[MAX_ARGS];
	int n;
};

static const char *arg(const struct args *a, const char *name, const char *missing)
{
	for (int i = 0; i < a->n; i++)
		if (!strcmp(a->name[i], name))
			return a->value[i];
	return missing;
}

static void unescape(char *s)
{
	char *to = s;
	for (; *s; s++) {
		unsigned c;
		if (*s == '%' && sscanf(s + 1, "%2x", &c) == 1) {
			*to++ = (char)c;
			s += 2;
		} else
			*to++ = *s;
	}
	*to = 0;
}

// alive tells an association from one that has ended and whose thread has not noticed: the peer's port may be in use again.
static bool alive(sock so)
{
#ifdef KERNEL
	struct sctp_status status;
	socklen_t n = sizeof status;
	memset(&status, 0, sizeof status);
	return getsockopt(so, IPPROTO_SCTP, SCTP_STATUS, &status, &n) == 0;
#else
	return so != BAD;
#endif
}

// find returns the latest open association with a peer's port; it may be about to be accepted.
static struct conn *find(int port)
{
	for (int tries = 0; tries < 200; tries++) {
		pthread_mutex_lock(&lock);
		for (struct conn *c = conns; c; c = c->next)
			if (c->port == port && c->open && alive(c->so)) {
				pthread_mutex_unlock(&lock);
				return c;
			}
		pthread_mutex_unlock(&lock);
		usleep(10000);
	}
	errno = ENOTCONN;
	return NULL;
}

// A job is what would block: connecting and sending.
struct job {
	sock so;
	struct sockaddr_in to[MAX_ADDRESSES];
	int nto, port, count;
	bool connect, send, shutdown;
	struct message m;
};

static void *work(void *p)
{
	struct job *j = p;
	if (j->connect) {
		if (connectx(j->so, j->to, j->nto) < 0) {
			x_close(j->so);
			goto done;
		}
		start(echo, add(j->so, j->port));
	}
	if (j->send)
		for (int i = 0; i < j->count; i++)
			if (send_message(j->so, &j->m) < 0)
				break;
	if (j->shutdown)
		x_shutdown(j->so, SHUT_WR);
done:
	free(j->m.data);
	free(j);
	return NULL;
}

static struct job *job(const struct args *a)
{
	struct job *j = calloc(1, sizeof *j);
	if (!j)
		die("calloc");
	j->port = atoi(arg(a, "port", "0"));
	j->count = atoi(arg(a, "count", "1"));
	j->m.stream = (uint16_t)atoi(arg(a, "stream", "0"));
	j->m.ppid = htonl((uint32_t)strtoul(arg(a, "ppid", "0"), NULL, 0));
	j->m.ttl = (uint32_t)atoi(arg(a, "ttl", "0"));
	j->m.flags = *arg(a, "unordered", "") ? SCTP_UNORDERED : 0;
	j->m.size = (size_t)atoi(arg(a, "size", "100"));
	j->m.data = malloc(j->m.size + 1);
	if (!j->m.data)
		die("malloc");
	memset(j->m.data, 'x', j->m.size + 1);
	return j;
}

static int act_connect(const struct args *a, bool send)
{
	struct job *j = job(a);
	struct sctp_udpencaps encaps;
	j->connect = true;
	j->send = send;
	j->nto = addresses(arg(a, "addr", ""), j->port, j->to);
	if (j->nto <= 0 || (j->so = x_socket()) == BAD)
		return -1;
	options(j->so);
	for (int i = 0; i < nlocals; i++)
		locals[i].sin_port = 0;
	if (x_bind(j->so, (struct sockaddr *)&locals[0], sizeof locals[0]) < 0)
		return -1;
	if (nlocals > 1 && bindx(j->so, &locals[1], nlocals - 1, true) < 0)
		return -1;
	memset(&encaps, 0, sizeof encaps);
	encaps.sue_address.ss_family = AF_INET;
#ifdef KERNEL
	memset(&encaps.sue_address, 0, sizeof encaps.sue_address);
#endif
	encaps.sue_port = htons((uint16_t)atoi(arg(a, "udp", "9899")));
	if (x_setsockopt(j->so, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof encaps) < 0)
		return -1;
	start(work, j);
	return 0;
}

static int act_send(const struct args *a, bool shutdown)
{
	struct job *j = job(a);
	struct conn *c = find(j->port);
	if (!c)
		return -1;
	j->so = c->so;
	j->send = true;
	j->shutdown = shutdown;
	start(work, j);
	return 0;
}

// act_abort aborts by a message where one-to-one sockets can, or else by closing at once.
static int act_abort(struct conn *c, const char *reason)
{
#ifdef KERNEL
	struct linger linger = {.l_onoff = 1};
	(void)reason;
	if (x_setsockopt(c->so, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0)
		return -1;
	c->aborting = true;
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return 0;
#else
	struct message m = {.flags = SCTP_ABORT, .data = (char *)reason, .size = strlen(reason)};
	return send_message(c->so, &m);
#endif
}

static int act_reset(struct conn *c, const struct args *a)
{
	struct {
		struct sctp_reset_streams h;
		uint16_t list[64];
	} r;
	char copy[512], *save;
	const char *dir = arg(a, "dir", "out");
	memset(&r, 0, sizeof r);
	if (!strcmp(dir, "assoc")) {
#ifdef KERNEL
		sctp_assoc_t id = 0;
		return x_setsockopt(c->so, IPPROTO_SCTP, SCTP_RESET_ASSOC, &id, sizeof id);
#else
		uint32_t id = 0;
		return x_setsockopt(c->so, IPPROTO_SCTP, SCTP_RESET_ASSOC, &id, sizeof id);
#endif
	}
	r.h.srs_flags = !strcmp(dir, "in") ? SCTP_STREAM_RESET_INCOMING : !strcmp(dir, "both") ? SCTP_STREAM_RESET_INCOMING | SCTP_STREAM_RESET_OUTGOING : SCTP_STREAM_RESET_OUTGOING;
	snprintf(copy, sizeof copy, "%s", arg(a, "streams", ""));
	for (char *p = strtok_r(copy, ",", &save); p && r.h.srs_number_streams < 64; p = strtok_r(NULL, ",", &save))
		r.h.srs_stream_list[r.h.srs_number_streams++] = (uint16_t)atoi(p);
	return x_setsockopt(c->so, IPPROTO_SCTP, SCTP_RESET_STREAMS, &r, (socklen_t)(sizeof r.h + 2 * r.h.srs_number_streams));
}

static int do_act(const char *act, const struct args *a)
{
	if (!strcmp(act, "connect") || !strcmp(act, "connect-send"))
		return act_connect(a, !strcmp(act, "connect-send"));
	if (!strcmp(act, "send") || !strcmp(act, "pr-ttl") || !strcmp(act, "send-shutdown"))
		return act_send(a, !strcmp(act, "send-shutdown"));
	struct conn *c = find(atoi(arg(a, "port", "0")));
	if (!c)
		return -1;
	if (!strcmp(act, "shutdown"))
		return x_shutdown(c->so, SHUT_WR);
	if (!strcmp(act, "abort"))
		return act_abort(c, arg(a, "reason", ""));
	if (!strcmp(act, "noread") || !strcmp(act, "read")) {
		pthread_mutex_lock(&lock);
		c->noread = !strcmp(act, "noread");
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
		return 0;
	}
	if (!strcmp(act, "reset"))
		return act_reset(c, a);
	if (!strcmp(act, "add-streams")) {
		struct sctp_add_streams add = {.sas_instrms = (uint16_t)atoi(arg(a, "in", "0")), .sas_outstrms = (uint16_t)atoi(arg(a, "out", "0"))};
		return x_setsockopt(c->so, IPPROTO_SCTP, SCTP_ADD_STREAMS, &add, sizeof add);
	}
	if (!strcmp(act, "addip") || !strcmp(act, "delip")) {
		struct sockaddr_in to;
		if (addresses(arg(a, "addr", ""), 0, &to) != 1)
			return -1;
		return bindx(c->so, &to, 1, !strcmp(act, "addip"));
	}
	return 1;
}

static void commands(void)
{
	static char line[1 << 16];
	while (fgets(line, sizeof line, stdin)) {
		struct args a = {.n = 0};
		char *save, *id = strtok_r(line, " \n", &save), *act = strtok_r(NULL, " \n", &save);
		if (!id || !act || *id == '#')
			continue;
		for (char *p; a.n < MAX_ARGS && (p = strtok_r(NULL, " \n", &save));) {
			char *eq = strchr(p, '=');
			if (!eq)
				continue;
			*eq = 0;
			a.name[a.n] = p;
			a.value[a.n] = eq + 1;
			unescape(a.value[a.n++]);
		}
		int r = do_act(act, &a);
		if (r < 0)
			say("%s error %s", id, strerror(errno));
		else
			say(r > 0 ? "%s unsupported" : "%s ok", id);
	}
}

#ifndef KERNEL
// free_port finds a UDP port that nobody has.
static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		die("no free UDP port");
	close(fd);
	return ntohs(a.sin_port);
}
#endif

int main(int argc, char **argv)
{
	const char *addr = "127.0.0.1", *spare = "", *caps = DEFAULT_CAPS;
	int udp = 9899, port = 7;
	static sock ln;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "-addr"))
			addr = argv[i + 1];
		else if (!strcmp(argv[i], "-spare"))
			spare = argv[i + 1];
		else if (!strcmp(argv[i], "-udp"))
			udp = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "-port"))
			port = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "-idata"))
			idata = atoi(argv[i + 1]) != 0;
		else if (!strcmp(argv[i], "-caps"))
			caps = argv[i + 1];
		else {
			fprintf(stderr, "shim-" NAME ": unknown option %s\n", argv[i]);
			return 2;
		}
	}
#ifndef KERNEL
	if (udp == 0)
		udp = free_port();
	no_raw_sockets();
	usrsctp_init((uint16_t)udp, NULL, NULL);
	usrsctp_sysctl_set_sctp_blackhole(0);
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
	usrsctp_sysctl_set_sctp_path_pf_threshold(0); // RFC 7829
#endif
	nlocals = addresses(addr, port, locals);
	if (nlocals <= 0)
		die("-addr");
	if ((ln = x_socket()) == BAD)
		die("socket");
	options(ln);
	if (x_bind(ln, (struct sockaddr *)&locals[0], sizeof locals[0]) < 0)
		die("bind");
	if (nlocals > 1 && bindx(ln, &locals[1], nlocals - 1, true) < 0)
		die("bindx");
	if (x_listen(ln, 128) < 0)
		die("listen");
	start(accept_all, &ln);
	say("ready addr=%s spare=%s udp=%d port=%d caps=%s "
	    "acts=connect,connect-send,send,pr-ttl,shutdown,send-shutdown,abort,noread,read,reset,add-streams,addip,delip",
	    addr, spare, udp, port, caps);
	commands();
	_exit(0);
}
