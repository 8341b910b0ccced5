// SPDX-License-Identifier: Apache-2.0
//
// usrsctpbench: usrsctp as a contender of conformance/bench/peers, with the tests and the command line
// of conformance/bench/worker. Blocking calls; the library's defaults, but for the checksum on
// loopback, which the others compute as well, and Nagle's algorithm in the ping-pong.

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <usrsctp.h>

#define SCTP_PORT 5000
#define BUFFER (256 << 10)
#define MAX_TIMES (1 << 20)

static struct {
	bool server, window;
	const char *test;
	int size, local, remote, setups;
	double time;
} cfg = {.test = "bulk", .size = 1024, .setups = 1000, .time = 1};

static uint8_t buffer[BUFFER];
static double times[MAX_TIMES];

static void die(const char *what)
{
	fprintf(stderr, "usrsctpbench: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void result(int64_t count, int64_t bytes, double seconds, double used, double p50, double p99)
{
	printf("{\"count\":%" PRId64 ",\"bytes\":%" PRId64 ",\"seconds\":%.6f,\"cpu\":%.6f,\"p50\":%.1f,\"p99\":%.1f}\n", count,
	       bytes, seconds, used, p50, p99);
	fflush(stdout);
}

static int later(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void result_of_times(int64_t n, double seconds, double used)
{
	int64_t kept = n < MAX_TIMES ? n : MAX_TIMES;
	qsort(times, (size_t)kept, sizeof *times, later);
	result(n, 0, seconds, used, kept ? times[kept / 2] * 1e6 : 0, kept ? times[kept * 99 / 100] * 1e6 : 0);
}

static double duration(const char *s)
{
	char *unit;
	double d = strtod(s, &unit);
	if (!strcmp(unit, "ms"))
		d /= 1e3;
	return d;
}

static void parse_flags(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (argv[i][0] != '-' || !value) {
			fprintf(stderr, "usrsctpbench: bad option %s\n", argv[i]);
			exit(2);
		}
		*value++ = 0;
		const char *name = argv[i] + 1;
		if (!strcmp(name, "server")) cfg.server = !strcmp(value, "true");
		else if (!strcmp(name, "window")) cfg.window = !strcmp(value, "true");
		else if (!strcmp(name, "test")) cfg.test = value;
		else if (!strcmp(name, "size")) cfg.size = atoi(value);
		else if (!strcmp(name, "time")) cfg.time = duration(value);
		else if (!strcmp(name, "local")) cfg.local = atoi(value);
		else if (!strcmp(name, "remote")) cfg.remote = atoi(value);
		else if (!strcmp(name, "setups")) cfg.setups = atoi(value);
		else {
			fprintf(stderr, "usrsctpbench: unknown option -%s\n", name);
			exit(2);
		}
	}
	if (cfg.size > BUFFER)
		cfg.size = BUFFER;
}

static struct socket *new_socket(void)
{
	struct socket *so = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
	if (!so)
		die("socket");
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (cfg.server)
		local.sin_port = htons(SCTP_PORT);
	if (usrsctp_bind(so, (struct sockaddr *)&local, sizeof local) < 0)
		die("bind");
	struct sctp_udpencaps encaps = {.sue_port = htons((uint16_t)cfg.remote)};
	encaps.sue_address.ss_family = AF_INET;
	if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof encaps) < 0)
		die("SCTP_REMOTE_UDP_ENCAPS_PORT");
	return so;
}

static void options(struct socket *so)
{
	int on = 1;
	if (!strcmp(cfg.test, "pingpong") && usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) < 0)
		die("SCTP_NODELAY");
}

// receive returns the size of the next message or a part of it, 0 at the end.
static ssize_t receive(struct socket *so)
{
	for (;;) {
		struct sctp_rcvinfo info;
		socklen_t size = sizeof info, from = 0;
		unsigned type = 0;
		int flags = 0;
		ssize_t n = usrsctp_recvv(so, buffer, sizeof buffer, NULL, &from, &info, &size, &type, &flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (flags & MSG_NOTIFICATION)
			continue;
		return n <= 1 ? 0 : n;
	}
}

static void send_message(struct socket *so, size_t size)
{
	struct sctp_sndinfo info = {0};
	while (usrsctp_sendv(so, buffer, size, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0) < 0)
		if (errno != EINTR && errno != EAGAIN)
			die("send");
}

static void serve_bulk(struct socket *so)
{
	int64_t bytes = 0, count = 0, first_bytes = 0;
	double first = 0, used = cpu();
	for (ssize_t n; (n = receive(so)) > 0;) {
		bytes += n;
		count++;
		if (count == 1) {
			first = now();
			first_bytes = bytes;
		}
		if (cfg.window && now() - first > cfg.time)
			break;
	}
	double last = now();
	if (!cfg.window)
		send_message(so, 1);
	result(count, bytes - first_bytes, last - first, cpu() - used, 0, 0);
}

static void call_bulk(struct socket *so)
{
	int64_t count = 0;
	double start = now(), used = cpu();
	int burst = cfg.size < 16384 ? 16384 / cfg.size : 1;
	while (cfg.window || now() - start < cfg.time)
		for (int i = 0; i < burst; i++, count++)
			send_message(so, (size_t)cfg.size);
	send_message(so, 1);
	receive(so);
	result(count, count * cfg.size, now() - start, cpu() - used, 0, 0);
}

static void echo(struct socket *so)
{
	int64_t count = 0;
	double start = now(), used = cpu();
	for (ssize_t n; (n = receive(so)) > 0; count++)
		send_message(so, (size_t)n);
	used = cpu() - used;
	send_message(so, 1);
	result(count, 0, now() - start, used, 0, 0);
}

static void trips(struct socket *so)
{
	int64_t count = 0;
	double start = now(), used = cpu();
	for (double at = start, t; at - start < cfg.time; at = t, count++) {
		send_message(so, (size_t)cfg.size);
		if (receive(so) != cfg.size)
			die("what came back");
		t = now();
		if (count < MAX_TIMES)
			times[count] = t - at;
	}
	double took = now() - start;
	used = cpu() - used;
	send_message(so, 1);
	receive(so);
	result_of_times(count, took, used);
}

static struct socket *dial(void)
{
	struct socket *so = new_socket();
	options(so);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(SCTP_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (usrsctp_connect(so, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect");
	return so;
}

static void forget(struct socket *so)
{
	struct linger l = {.l_onoff = 1, .l_linger = 0};
	usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	usrsctp_close(so);
}

static void set_up(void)
{
	int64_t count = 0;
	double start = now(), used = cpu();
	for (double at = start, t; at - start < cfg.time && count < cfg.setups; at = t, count++) {
		forget(dial());
		t = now();
		if (count < MAX_TIMES)
			times[count] = t - at;
	}
	result_of_times(count, now() - start, cpu() - used);
}

static void *wait_for_end(void *arg)
{
	struct socket *so = arg;
	while (usrsctp_recvv(so, (uint8_t[16]){0}, 16, NULL, &(socklen_t){0}, NULL, &(socklen_t){0}, &(unsigned){0}, &(int){0}) > 0)
		;
	usrsctp_close(so);
	return NULL;
}

static struct socket *accept_one(struct socket *ln)
{
	struct socket *so = usrsctp_accept(ln, NULL, NULL);
	if (!so)
		die("accept");
	options(so);
	return so;
}

int main(int argc, char **argv)
{
	parse_flags(argc, argv);
	usrsctp_init((uint16_t)cfg.local, NULL, NULL);
	usrsctp_sysctl_set_sctp_blackhole(2);
	usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
	bool setup = !strcmp(cfg.test, "setup"), pingpong = !strcmp(cfg.test, "pingpong");
	if (!cfg.server) {
		if (setup)
			set_up();
		else if (pingpong)
			trips(dial());
		else
			call_bulk(dial());
		_exit(0);
	}
	struct socket *ln = new_socket();
	if (usrsctp_listen(ln, 128) < 0)
		die("listen");
	puts("ready");
	fflush(stdout);
	while (setup) { // until it is killed
		pthread_t t;
		if (pthread_create(&t, NULL, wait_for_end, accept_one(ln)) == 0)
			pthread_detach(t);
	}
	if (pingpong)
		echo(accept_one(ln));
	else
		serve_bulk(accept_one(ln));
	sleep(1); // the last acknowledgements
	_exit(0);
}
