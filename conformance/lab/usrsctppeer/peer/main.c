// SPDX-License-Identifier: Apache-2.0
//
// usrsctppeer: one end of an SCTP association on usrsctp, in UDP. The same roles, options, events
// and commands as kernelpeer; see the README of the rig.

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <usrsctp.h>

#include "traffic.h"

#define MAX_ADDRESSES 16
#define RECEIVE_SIZE (128 << 10)
#define INTERLEAVING_SUPPORTED 0x1206 // SCTP_INTERLEAVING_SUPPORTED, which usrsctp.h does not have
#define FINISH_TRIES 100 // of 50 ms

static struct {
	bool listen, dial, unordered, verbose, vectors, auto_asconf, quick, interleave;
	const char *role, *close;
	struct sockaddr_in local[MAX_ADDRESSES], remote[MAX_ADDRESSES];
	int locals, remotes, port, lport, udp, encap, streams, max, out, conns, sndbuf, rcvbuf, rtx;
	int64_t bytes, until, progress;
	uint64_t seed;
} cfg = {.role = "sink", .close = "graceful", .port = 5000, .udp = 9899, .encap = 9899, .streams = 1,
	 .out = 64, .conns = 1, .bytes = 1000000, .seed = 1, .rtx = -1};

static struct {
	struct socket *so;
	struct sum sent[STREAMS], rcvd[STREAMS];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool enough, ended;
	atomic_bool closing;
} conn = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void report(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	flockfile(stdout);
	printf("event=");
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
	va_end(args);
}

static void die(const char *what)
{
	report("error error=\"%s: %s\"", what, strerror(errno));
	_exit(1);
}

static void wrong(const char *what, const char *value)
{
	fprintf(stderr, "usrsctppeer: %s %s\n", what, value);
	exit(2);
}

static bool parse_address(const char *s, struct sockaddr_in *a)
{
	memset(a, 0, sizeof *a);
	a->sin_family = AF_INET;
	return inet_pton(AF_INET, s, &a->sin_addr) == 1;
}

static int parse_addresses(char *s, struct sockaddr_in *to)
{
	int n = 0;
	for (char *save, *p = strtok_r(s, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (n == MAX_ADDRESSES || !parse_address(p, &to[n++]))
			wrong("bad IPv4 address", p);
	}
	return n;
}

static void parse_flags(int argc, char **argv)
{
	static const struct { const char *name; bool *to; } bools[] = {
		{"listen", &cfg.listen}, {"dial", &cfg.dial}, {"unordered", &cfg.unordered},
		{"v", &cfg.verbose}, {"vectors", &cfg.vectors}, {"auto-asconf", &cfg.auto_asconf}, {"quick", &cfg.quick},
		{"interleave", &cfg.interleave}};
	static const struct { const char *name; int *to; } ints[] = {
		{"port", &cfg.port}, {"lport", &cfg.lport}, {"udp", &cfg.udp}, {"encap", &cfg.encap},
		{"streams", &cfg.streams}, {"max", &cfg.max}, {"out", &cfg.out}, {"conns", &cfg.conns},
		{"sndbuf", &cfg.sndbuf}, {"rcvbuf", &cfg.rcvbuf}, {"rtx", &cfg.rtx}};
	static const struct { const char *name; int64_t *to; } longs[] = {
		{"bytes", &cfg.bytes}, {"until", &cfg.until}, {"progress", &cfg.progress}};
	static const struct { const char *name; const char **to; } strings[] = {
		{"role", &cfg.role}, {"close", &cfg.close}};
#define EACH(table) for (size_t i = 0; i < sizeof table / sizeof *table; i++) if (!strcmp(name, table[i].name))
	for (int a = 1; a < argc; a++) {
		const char *name = argv[a] + (argv[a][0] == '-') + (argv[a][0] == '-' && argv[a][1] == '-');
		bool known = false;
		EACH(bools) known = *bools[i].to = true;
		if (known)
			continue;
		if (++a == argc)
			wrong("no value for, or unknown:", argv[a - 1]);
		EACH(ints) { *ints[i].to = atoi(argv[a]); known = true; }
		EACH(longs) { *longs[i].to = atoll(argv[a]); known = true; }
		EACH(strings) { *strings[i].to = argv[a]; known = true; }
		if (!strcmp(name, "seed")) { cfg.seed = strtoull(argv[a], NULL, 10); known = true; }
		if (!strcmp(name, "local")) { cfg.locals = parse_addresses(argv[a], cfg.local); known = true; }
		if (!strcmp(name, "remote")) { cfg.remotes = parse_addresses(argv[a], cfg.remote); known = true; }
		if (!known)
			wrong("unknown option", argv[a - 1]);
	}
	if (cfg.out < cfg.streams)
		cfg.out = cfg.streams;
	if (!strcmp(cfg.role, "duplex") && cfg.until == 0)
		cfg.until = cfg.bytes;
	if (cfg.bytes < 0 || cfg.streams < 1 || cfg.streams >= STREAMS || cfg.max < 0 || cfg.max > LARGEST_MESSAGE)
		wrong("out of range:", "-bytes, -streams or -max");
	if (!cfg.vectors && cfg.listen == cfg.dial)
		wrong("give one of", "-listen and -dial");
	if (cfg.dial && cfg.remotes == 0)
		wrong("-dial needs", "-remote");
}

static int send_message(const struct message *m, uint16_t flags)
{
	struct sctp_sendv_spa spa = {
		.sendv_flags = SCTP_SEND_SNDINFO_VALID,
		.sendv_sndinfo = {.snd_sid = m->stream, .snd_ppid = htonl(m->ppid), .snd_flags = flags}};
	int r;
	if (cfg.rtx >= 0) {
		spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
		spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
		spa.sendv_prinfo.pr_value = (uint32_t)cfg.rtx;
	}
	// A stream that is being reset takes nothing for a moment.
	while ((r = (int)usrsctp_sendv(conn.so, m->data, m->size, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0)) < 0 &&
	       errno == EAGAIN)
		usleep(1000);
	return r;
}

static void end_association(const char *how)
{
	conn.closing = true;
	if (!strcmp(how, "graceful")) {
		if (usrsctp_shutdown(conn.so, SHUT_WR) < 0)
			report("error error=\"shutdown: %s\"", strerror(errno));
		return;
	}
	struct message none = {0, 0, (const uint8_t *)"", 0};
	if (send_message(&none, SCTP_ABORT) < 0)
		report("error error=\"abort: %s\"", strerror(errno));
}

static const char *named(const char *const *names, uint32_t count, uint32_t i)
{
	return i < count ? names[i] : "unknown";
}

static void notification(const union sctp_notification *n)
{
	static const char *const assoc[] = {"?", "comm_up", "comm_lost", "restart", "shutdown_comp", "cant_str_assoc"};
	static const char *const paddr[] = {"?", "available", "unreachable", "removed", "added", "made_prim", "confirmed"};
	char ip[INET_ADDRSTRLEN] = "?";
	switch (n->sn_header.sn_type) {
	case SCTP_ASSOC_CHANGE:
		report("assoc state=%s error=%u out=%u in=%u", named(assoc, 6, n->sn_assoc_change.sac_state),
		       n->sn_assoc_change.sac_error, n->sn_assoc_change.sac_outbound_streams,
		       n->sn_assoc_change.sac_inbound_streams);
		return;
	case SCTP_PEER_ADDR_CHANGE:
		inet_ntop(AF_INET, &((const struct sockaddr_in *)&n->sn_paddr_change.spc_aaddr)->sin_addr, ip, sizeof ip);
		report("paddr addr=%s state=%s error=%u", ip, named(paddr, 7, n->sn_paddr_change.spc_state),
		       n->sn_paddr_change.spc_error);
		return;
	case SCTP_REMOTE_ERROR:
		report("remote_error cause=%u", ntohs(n->sn_remote_error.sre_error));
		return;
	case SCTP_SHUTDOWN_EVENT:
		report("shutdown");
		return;
	default:
		report("notification type=%#x flags=%#x", n->sn_header.sn_type, n->sn_header.sn_flags);
	}
}

// A part is what has come of a message, of which others may come between the pieces.
static struct part { uint8_t *data; size_t have; } parts[STREAMS][2];

// receiver reads until the association is gone.
static void *receiver(void *unused)
{
	(void)unused;
	size_t have = 0, room = RECEIVE_SIZE;
	uint8_t *buf = malloc(room);
	int64_t bytes = 0, mark = 0;
	const char *reason = "eof";
	for (;;) {
		struct sctp_rcvinfo info;
		socklen_t size = sizeof info, from_size = 0;
		unsigned type = 0;
		int flags = 0;
		if (room - have < RECEIVE_SIZE)
			buf = realloc(buf, room += RECEIVE_SIZE);
		ssize_t n = usrsctp_recvv(conn.so, buf + have, room - have, NULL, &from_size, &info, &size, &type, &flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			reason = errno == ECONNRESET || errno == ECONNABORTED ? "abort" : errno == ENOTCONN ? "eof" : "error";
		if (n <= 0)
			break;
		if (flags & MSG_NOTIFICATION) {
			notification((union sctp_notification *)(buf + have));
			continue;
		}
		have += (size_t)n;
		if (cfg.interleave) {
			struct part *p = &parts[info.rcv_sid % STREAMS][(info.rcv_flags & SCTP_UNORDERED) != 0];
			if (!(flags & MSG_EOR) || p->have) {
				p->data = realloc(p->data, p->have + have);
				memcpy(p->data + p->have, buf, have);
				p->have += have;
				have = 0;
			}
			if (flags & MSG_EOR && p->have) {
				if (room < p->have + RECEIVE_SIZE)
					buf = realloc(buf, room = p->have + RECEIVE_SIZE);
				memcpy(buf, p->data, have = p->have);
				p->have = 0;
			}
		}
		if (!(flags & MSG_EOR))
			continue;
		struct message m = {info.rcv_sid, ntohl(info.rcv_ppid), buf, have};
		if (cfg.verbose)
			report("message stream=%u ppid=%u size=%zu", m.stream, m.ppid, m.size);
		bytes += (int64_t)have;
		have = 0;
		digest_add(conn.rcvd, m.stream, m.ppid, m.data, m.size);
		if (cfg.progress > 0 && bytes - mark >= cfg.progress)
			report("progress dir=rcvd bytes=%" PRId64, mark = bytes);
		if (!strcmp(cfg.role, "echo")) {
			if (send_message(&m, cfg.unordered ? SCTP_UNORDERED : 0) < 0)
				die("echoing");
			digest_add(conn.sent, m.stream, m.ppid, m.data, m.size);
		}
		if (cfg.until > 0 && bytes >= cfg.until) {
			pthread_mutex_lock(&conn.lock);
			conn.enough = true;
			pthread_cond_signal(&conn.changed);
			pthread_mutex_unlock(&conn.lock);
		}
	}
	report("closed reason=%s", reason);
	pthread_mutex_lock(&conn.lock);
	conn.ended = true;
	pthread_cond_signal(&conn.changed);
	pthread_mutex_unlock(&conn.lock);
	free(buf);
	return NULL;
}

static void send_traffic(void)
{
	struct source s;
	struct message m;
	int64_t bytes = 0, mark = 0;
	source_init(&s, cfg.seed, cfg.bytes, cfg.streams, cfg.max);
	while (source_next(&s, &m)) {
		if (send_message(&m, cfg.unordered ? SCTP_UNORDERED : 0) < 0) {
			report("error error=\"sending after %" PRId64 " bytes: %s\"", bytes, strerror(errno));
			break;
		}
		digest_add(conn.sent, m.stream, m.ppid, m.data, m.size);
		bytes += (int64_t)m.size;
		if (cfg.progress > 0 && bytes - mark >= cfg.progress)
			report("progress dir=sent bytes=%" PRId64, mark = bytes);
	}
	free(s.block);
	report("queued bytes=%" PRId64, bytes);
}

static void command(char *line)
{
	char *save, *verb = strtok_r(line, " \n", &save), *arg = strtok_r(NULL, " \n", &save);
	struct sockaddr_in a;
	int r = -1;
	if (!verb)
		return;
	errno = EINVAL;
	if (!strcmp(verb, "shutdown") || !strcmp(verb, "abort")) {
		end_association(verb[0] == 's' ? "graceful" : "abort");
		r = 0;
	} else if (arg && !strncmp(verb, "reset", 5) && strcmp(verb, "resetassoc")) {
		union {
			struct sctp_reset_streams r;
			char room[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
		} u = {.r = {.srs_flags = strcmp(verb, "resetin") ? SCTP_STREAM_RESET_OUTGOING : SCTP_STREAM_RESET_INCOMING,
			     .srs_number_streams = 1}};
		u.r.srs_stream_list[0] = (uint16_t)atoi(arg);
		r = usrsctp_setsockopt(conn.so, IPPROTO_SCTP, SCTP_RESET_STREAMS, &u, sizeof u.room);
	} else if (!strcmp(verb, "resetassoc")) {
		sctp_assoc_t all = 0;
		r = usrsctp_setsockopt(conn.so, IPPROTO_SCTP, SCTP_RESET_ASSOC, &all, sizeof all);
	} else if (arg && !strcmp(verb, "addstreams")) {
		char *in = strtok_r(NULL, " \n", &save);
		struct sctp_add_streams add = {.sas_outstrms = (uint16_t)atoi(arg), .sas_instrms = (uint16_t)(in ? atoi(in) : 0)};
		r = usrsctp_setsockopt(conn.so, IPPROTO_SCTP, SCTP_ADD_STREAMS, &add, sizeof add);
	} else if (arg && parse_address(arg, &a)) {
		struct sctp_setprim prim = {.ssp_assoc_id = 0};
		a.sin_port = htons((uint16_t)cfg.port);
		if (!strcmp(verb, "primary")) {
			memcpy(&prim.ssp_addr, &a, sizeof a);
			r = usrsctp_setsockopt(conn.so, IPPROTO_SCTP, SCTP_PRIMARY_ADDR, &prim, sizeof prim);
		} else if (!strcmp(verb, "peerprimary")) {
			struct sctp_setpeerprim peer = {.sspp_assoc_id = 0};
			memcpy(&peer.sspp_addr, &a, sizeof a);
			r = usrsctp_setsockopt(conn.so, IPPROTO_SCTP, SCTP_SET_PEER_PRIMARY_ADDR, &peer, sizeof peer);
		} else if (!strcmp(verb, "add") || !strcmp(verb, "del")) {
			a.sin_port = 0;
			r = usrsctp_bindx(conn.so, (struct sockaddr *)&a, 1,
					  verb[0] == 'a' ? SCTP_BINDX_ADD_ADDR : SCTP_BINDX_REM_ADDR);
		}
	}
	if (r < 0)
		report("command command=%s ok=false error=\"%s\"", verb, strerror(errno));
	else
		report("command command=%s ok=true", verb);
}

static void *commands(void *unused)
{
	char line[256];
	(void)unused;
	while (fgets(line, sizeof line, stdin))
		if (conn.so)
			command(line);
	return NULL;
}

static void set_options(struct socket *so)
{
	static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_PEER_ADDR_CHANGE, SCTP_REMOTE_ERROR,
					  SCTP_SHUTDOWN_EVENT, SCTP_STREAM_RESET_EVENT, SCTP_ASSOC_RESET_EVENT,
					  SCTP_STREAM_CHANGE_EVENT};
	struct sctp_assoc_value resets = {.assoc_value = SCTP_ENABLE_VALUE_MASK};
	struct sctp_initmsg init = {.sinit_num_ostreams = (uint16_t)cfg.out, .sinit_max_instreams = 2048};
	struct sctp_udpencaps encaps = {.sue_port = htons((uint16_t)cfg.encap)};
	int on = 1;
	if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) < 0 ||
	    usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) < 0 ||
	    usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) < 0)
		die("setting socket options");
	if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets) < 0)
		die("setting SCTP_ENABLE_STREAM_RESET");
	encaps.sue_address.ss_family = AF_INET;
	if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof encaps) < 0)
		die("setting SCTP_REMOTE_UDP_ENCAPS_PORT");
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		struct sctp_event e = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = events[i], .se_on = 1};
		if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_EVENT, &e, sizeof e) < 0)
			die("setting SCTP_EVENT");
	}
	if (cfg.sndbuf && usrsctp_setsockopt(so, SOL_SOCKET, SO_SNDBUF, &cfg.sndbuf, sizeof cfg.sndbuf) < 0)
		die("setting SO_SNDBUF");
	if (cfg.rcvbuf && usrsctp_setsockopt(so, SOL_SOCKET, SO_RCVBUF, &cfg.rcvbuf, sizeof cfg.rcvbuf) < 0)
		die("setting SO_RCVBUF");
}

// set_interleaving is for the future associations of a socket.
static void set_interleaving(struct socket *so)
{
	// RFC 8260, Section 4.3.1: first "the interleaving level to at least 2".
	struct sctp_assoc_value yes = {.assoc_value = 1}, scheduler = {.assoc_value = SCTP_SS_ROUND_ROBIN};
	int level = 2;
	if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &level, sizeof level) < 0 ||
	    usrsctp_setsockopt(so, IPPROTO_SCTP, INTERLEAVING_SUPPORTED, &yes, sizeof yes) < 0 ||
	    usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_PLUGGABLE_SS, &scheduler, sizeof scheduler) < 0)
		die("setting user message interleaving");
}

static struct socket *new_socket(int port)
{
	struct socket *so = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
	if (!so)
		die("socket");
	set_options(so);
	if (cfg.interleave)
		set_interleaving(so);
	for (int i = 0; i < cfg.locals; i++)
		cfg.local[i].sin_port = htons((uint16_t)port);
	if (cfg.locals == 0 && port) {
		struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
		if (usrsctp_bind(so, (struct sockaddr *)&any, sizeof any) < 0)
			die("bind");
	} else if (cfg.locals > 0 &&
		   usrsctp_bindx(so, (struct sockaddr *)cfg.local, cfg.locals, SCTP_BINDX_ADD_ADDR) < 0) {
		die("bindx");
	}
	return so;
}

static void results(const char *dir, const struct sum *sums, double seconds)
{
	struct sum t = digest_total(sums);
	for (int id = 0; id < STREAMS; id++)
		if (sums[id].messages)
			report("stream dir=%s stream=%d " SUM_FORMAT, dir, id, SUM_ARGS(sums[id]));
	if (t.messages)
		report("total dir=%s " SUM_FORMAT " seconds=%.3f MBps=%.1f", dir, SUM_ARGS(t), seconds,
		       (double)t.bytes / 1e6 / seconds);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// run plays the role on an association until it is gone; false if it ended too early.
static bool run(struct socket *so)
{
	double start = now();
	pthread_t reader;
	conn.so = so;
	conn.enough = conn.ended = false;
	conn.closing = false;
	memset(conn.sent, 0, sizeof conn.sent);
	memset(conn.rcvd, 0, sizeof conn.rcvd);
	report("connected");
	pthread_create(&reader, NULL, receiver, NULL);
	bool sends = !strcmp(cfg.role, "source") || !strcmp(cfg.role, "duplex");
	if (sends)
		send_traffic();
	if (cfg.until > 0) {
		pthread_mutex_lock(&conn.lock);
		while (!conn.enough && !conn.ended)
			pthread_cond_wait(&conn.changed, &conn.lock);
		pthread_mutex_unlock(&conn.lock);
	}
	if (!conn.ended && (!strcmp(cfg.role, "source") || cfg.until > 0)) {
		if (!strcmp(cfg.close, "hold"))
			report("holding");
		else
			end_association(cfg.close);
	}
	pthread_join(reader, NULL);
	results("sent", conn.sent, now() - start);
	results("rcvd", conn.rcvd, now() - start);
	conn.so = NULL;
	usrsctp_close(so);
	return cfg.until == 0 || conn.closing || digest_total(conn.rcvd).bytes >= cfg.until;
}

static void print_vectors(void)
{
	struct source s;
	struct message m;
	source_init(&s, cfg.seed, cfg.bytes, cfg.streams, cfg.max);
	while (source_next(&s, &m))
		digest_add(conn.sent, m.stream, m.ppid, m.data, m.size);
	results("sent", conn.sent, 1);
}

int main(int argc, char **argv)
{
	pthread_t input;
	bool ok = true;
	parse_flags(argc, argv);
	if (cfg.vectors) {
		print_vectors();
		return 0;
	}
	usrsctp_init((uint16_t)cfg.udp, NULL, NULL);
	usrsctp_sysctl_set_sctp_blackhole(0);
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
	usrsctp_sysctl_set_sctp_auto_asconf(cfg.auto_asconf);
	if (cfg.quick) { // a dead path stalls a transfer for two seconds, not for a minute
		usrsctp_sysctl_set_sctp_rto_min_default(200);
		usrsctp_sysctl_set_sctp_rto_initial_default(300);
		usrsctp_sysctl_set_sctp_rto_max_default(1000);
		usrsctp_sysctl_set_sctp_path_rtx_max_default(2);
		usrsctp_sysctl_set_sctp_heartbeat_interval_default(500);
		usrsctp_sysctl_set_sctp_delayed_sack_time_default(50);
	}
	pthread_create(&input, NULL, commands, NULL);
	pthread_detach(input);
	if (cfg.dial) {
		struct socket *so = new_socket(cfg.lport);
		for (int i = 0; i < cfg.remotes; i++)
			cfg.remote[i].sin_port = htons((uint16_t)cfg.port);
		if (usrsctp_connectx(so, (struct sockaddr *)cfg.remote, cfg.remotes, NULL) < 0)
			die("connectx");
		ok = run(so);
	} else {
		struct socket *ln = new_socket(cfg.port);
		if (usrsctp_listen(ln, 16) < 0)
			die("listen");
		report("listening port=%d", cfg.port);
		for (int i = 0; ok && i < cfg.conns; i++) {
			struct socket *so = usrsctp_accept(ln, NULL, NULL);
			if (!so)
				die("accept");
			set_options(so);
			ok = run(so);
		}
		usrsctp_close(ln);
	}
	for (int i = 0; i < FINISH_TRIES && usrsctp_finish() != 0; i++)
		usleep(50000);
	return ok ? 0 : 1;
}
