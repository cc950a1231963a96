/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libwend: traces and single probes, thousands at once in one thread, inside any event loop.
 *
 *   wend *w;
 *   wend_new(NULL, &w);
 *   wend_trace(w, "192.0.2.1", NULL, on_event, me, &id);   any number of times
 *   watch wend_fd(w) for readability; whenever it is: wend_process(w, 0)
 *   wend_free(w);
 *
 * What happens is told by events: to a callback, or, where none was given, to wend_next_event. Of
 * everything started the last event is WEND_DONE, which comes exactly once, and always from
 * wend_process, wend_run, wend_next_event or wend_free: never from inside the call that starts or
 * cancels. In a callback all functions may be called but wend_process, wend_run and wend_free,
 * which are WEND_ESTATE there.
 *
 * A context belongs to one thread at a time and has no state outside itself: there are no globals,
 * threads or signal handlers, nothing is printed, no call exits. It is not to be used after fork()
 * in the child. Descriptors are close-on-exec.
 *
 * Times are nanoseconds unless a name says otherwise. Structures that the library fills may grow at
 * their end in a later version: their first member is the size that it knows.
 */
#ifndef WEND_WEND_H
#define WEND_WEND_H

#include <stddef.h>
#include <stdint.h>

#include <wend/version.h>

#if defined(__GNUC__)
#define WEND_API __attribute__((visibility("default")))
#else
#define WEND_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- versions and errors ---- */

/* Of the library that runs, which need not be the one compiled against: WEND_VERSION, its text. */
WEND_API uint32_t wend_version(void);
WEND_API const char *wend_version_text(void);

/* Numbers, names and texts are stable; later versions may add some. */
enum wend_err {
	WEND_OK = 0,
	WEND_ENOMEM = -1,
	WEND_EINVAL = -2,
	WEND_ERANGE = -3,
	WEND_EPARSE = -4,
	WEND_ETRUNC = -5,
	WEND_EFULL = -6,
	WEND_ENOENT = -7, /* no such trace: an id that is stale, or never was */
	WEND_EPERM = -8,
	WEND_ENOROUTE = -9,
	WEND_ENETDOWN = -10,
	WEND_EIFACE = -11,
	WEND_EBLOCKED = -12,
	WEND_EMSGSIZE = -13,
	WEND_EAGAIN = -14,
	WEND_ENOBUFS = -15,
	WEND_EADDRINUSE = -16,
	WEND_EADDRNOTAVAIL = -17,
	WEND_EIO = -18,
	WEND_ERESOLVE = -19,
	WEND_EUNSUPPORTED = -20,
	WEND_ESTATE = -21,
	WEND_ECANCELED = -22,
	WEND_EUSAGE = -23,
	WEND_ESYS = -24,
	WEND_ECLOSED = -25
};
/* "no-route", "no route to destination"; "unknown" and its like for foreign values, never NULL. */
WEND_API const char *wend_err_name(int err);
WEND_API const char *wend_err_text(int err);

/* ---- options ---- */

/*
 * What the options of the command line say, under the same names: "protocol" "tcp", "max-ttl" "20",
 * "wait" "500ms"; a flag is "yes" or "no". docs/libwend.md lists those that mean something here.
 */
typedef struct wend_options wend_options;

WEND_API int wend_options_new(wend_options **out); /* every default; WEND_ENOMEM */
WEND_API void wend_options_free(wend_options *o);  /* NULL is fine */
WEND_API int wend_options_copy(const wend_options *o, wend_options **out);
/*
 * WEND_EUSAGE: no such option, or no such value; then wend_options_error says what would be right.
 * o is as it was.
 */
WEND_API int wend_options_set(wend_options *o, const char *key, const char *value);
/* Of the last call that failed on o: one line, never NULL, good until the next call. */
WEND_API const char *wend_options_error(const wend_options *o);

enum wend_protocol { WEND_UDP = 0, WEND_ICMP = 1, WEND_TCP = 2 };

/* The same for values that are there as such. WEND_EUSAGE as above. Each trace may have its own. */
WEND_API int wend_options_set_protocol(wend_options *o, int protocol);
WEND_API int wend_options_set_port(wend_options *o, uint16_t port);
WEND_API int wend_options_set_source_port(wend_options *o, uint16_t port);
WEND_API int wend_options_set_first_ttl(wend_options *o, uint8_t ttl);
WEND_API int wend_options_set_max_ttl(wend_options *o, uint8_t ttl);
WEND_API int wend_options_set_probes(wend_options *o, uint32_t per_hop);
WEND_API int wend_options_set_size(wend_options *o, uint16_t bytes);
WEND_API int wend_options_set_source(wend_options *o, const char *address);
WEND_API int wend_options_set_interface(wend_options *o, const char *name);
WEND_API int wend_options_set_wait_ns(wend_options *o, uint64_t ns); /* for an answer, at most */
WEND_API int wend_options_set_deadline_ns(wend_options *o, uint64_t ns);
/* Host names of those who answer: WEND_NAME events. Off by default; the opposite of "numeric". */
WEND_API int wend_options_set_names(wend_options *o, int on);

/* ---- contexts ---- */

typedef struct wend wend;

enum wend_backend {
	WEND_BACKEND_AUTO = 0,	  /* raw sockets where that is allowed, else none are needed */
	WEND_BACKEND_RAW = 1,	  /* or WEND_EPERM */
	WEND_BACKEND_ERRQUEUE = 2 /* ordinary sockets and their error queue */
};

struct wend_config {
	uint32_t size;	  /* sizeof(struct wend_config) */
	uint32_t backend; /* enum wend_backend */
	/* A simulated network, docs/topology.md, instead of the real one: its text; NULL. */
	const char *topology;
	uint64_t seed; /* of its chances; 0: that of the topology */
	/*
	 * Bounds of probes per second, over everything in this context; 0: none. Probes that would
	 * come too early wait their turn, first come first served; they are never dropped, and
	 * nobody's answer times out meanwhile. A bound of N lets at most N * T + B through in any T
	 * seconds, where B is 1 or, from 100 on, N / 50. docs/libwend.md says what is known of
	 * routers beforehand.
	 */
	uint32_t pps;
	uint32_t pps_per_destination;
	uint32_t pps_per_router; /* of those a router, or the target, answers */
	uint32_t error_size;	 /* bytes of error */
	const char *resolver;	 /* DNS server to ask, "address[:port]"; NULL: the system's */
	char *error; /* where a failure of wend_new is to be explained in a line; NULL: nowhere */
};

/*
 * config NULL: all zero; it is copied. Its size may also be that of an earlier version, which ended
 * before pps. WEND_EINVAL: another size, or no such backend; WEND_ENOMEM, WEND_ESYS, WEND_EPERM,
 * WEND_EPARSE (topology), WEND_EUSAGE (resolver).
 */
WEND_API int wend_new(const struct wend_config *config, wend **out);
/*
 * Cancels what is under way, tells WEND_DONE of it (to callbacks alone), and frees all. NULL is
 * fine. In a callback: WEND_ESTATE, and nothing is done.
 */
WEND_API int wend_free(wend *w);
/* Why the last call that failed on w did: one line, never NULL, good until the next call. */
WEND_API const char *wend_error(const wend *w);

/* Its errno, where the system said so; 0. */
WEND_API int wend_error_errno(const wend *w);

/*
 * One descriptor, the same for the life of w, for poll, select, epoll or whatever watches
 * descriptors: readable when wend_process has something to do. It holds a timer, too.
 */
WEND_API int wend_fd(const wend *w);
/* In how many microseconds, rounded up, that is at the latest; 0: now; -1: not of itself. */
WEND_API int64_t wend_timeout_us(const wend *w);
/*
 * Does what there is to do and calls callbacks, at most `budget` (0: no bound); the descriptor
 * stays readable while some are left. Returns how many, or WEND_ESTATE in a callback. Never blocks.
 */
WEND_API int wend_process(wend *w, uint32_t budget);
/*
 * Blocks and processes until nothing is under way, or for `timeout_us` (negative: without end).
 * WEND_OK: nothing is under way; WEND_EAGAIN: the time is over; WEND_ESTATE, WEND_ESYS.
 */
WEND_API int wend_run(wend *w, int64_t timeout_us);
/* Traces, probes and look-ups that have not told WEND_DONE. */
WEND_API size_t wend_active(const wend *w);

/* What happened since wend_new, to all together. */
struct wend_stats {
	uint32_t size;	       /* in: sizeof(struct wend_stats); out: so much of it was filled */
	uint32_t traces;       /* and probes under way, as of wend_active */
	uint64_t sent;	       /* packets that left */
	uint64_t waits_pace;   /* times that a probe had to wait for the bounds of wend_config */
	uint64_t waits_room;   /* ... for room in a receive buffer for one more answer */
	uint64_t eagain;       /* sends refused by a full queue of this machine, and repeated */
	uint64_t enobufs;      /* ... by want of its memory */
	uint64_t dropped;      /* answers that the kernel dropped for want of room */
	uint64_t routes_asked; /* ways to a target that the kernel was asked for */
	uint64_t routes_known; /* ... that were known from before */
	uint64_t pace_shared;  /* probes that shared a bound with others: more were met than is kept
				*/
};
/* WEND_EINVAL: a size below that of its first two members. */
WEND_API int wend_stats(const wend *w, struct wend_stats *out);

/* ---- what happens ---- */

enum wend_event_kind {
	WEND_REPLY = 1, /* somebody answered a probe */
	WEND_LOST = 2,	/* nobody did in time */
	WEND_DONE = 3,	/* the last one: stop or err says why */
	WEND_NAME = 4	/* the host name of an address that answered: address, name or err */
};
/* Without memory for them others than WEND_DONE may be missing; its counts are right all the same.
 */

/* Why a trace ended. */
enum wend_stop {
	WEND_STOP_NONE = 0,
	WEND_STOP_REACHED = 1,
	WEND_STOP_MAX_TTL = 2,
	WEND_STOP_GAP = 3, /* too many silent hops in a row */
	WEND_STOP_LOOP = 4,
	WEND_STOP_UNREACHABLE = 5, /* somebody refused; address and ttl say who and where */
	WEND_STOP_DEADLINE = 6,
	WEND_STOP_CANCELED = 7,
	WEND_STOP_ERROR = 8 /* nothing more could be sent: err says why */
};
WEND_API const char *wend_stop_name(int stop); /* "reached" ... stable, never NULL */

#define WEND_ADDRESS_TEXT 46 /* bytes for any address as text */

struct wend_event {
	uint32_t size;
	uint32_t kind; /* enum wend_event_kind */
	uint64_t id;   /* of the trace or probe */
	void *user;
	int64_t at_ns;	  /* since its start */
	int64_t rtt_ns;	  /* REPLY: -1 not known */
	int64_t sent;	  /* DONE: probes */
	int64_t received; /* DONE: of these were answered */
	int32_t err;	  /* DONE: WEND_OK, or why it could not go on; NAME: why there is none */
	int32_t stop;	  /* DONE: enum wend_stop */
	uint32_t probe;	  /* which probe of its TTL, from 0 */
	uint8_t ttl;	  /* DONE: that of the target, or where it ended; 0 nowhere */
	uint8_t reached;  /* REPLY, DONE: the target answered */
	uint8_t late;	  /* REPLY: after its WEND_LOST */
	uint8_t family;	  /* of address: 4, 6; 0 none */
	uint8_t address[16];
	uint8_t icmp_type, icmp_code; /* REPLY: of an ICMP message */
	uint8_t tcp_flags;	      /* REPLY: of a TCP segment */
	int16_t reply_ttl;	      /* REPLY: with which it arrived; -1 not known */
	uint32_t mpls_count;	      /* REPLY: of mpls that are set */
	uint32_t mpls[8];	      /* label stack entries as they were told, host byte order */
	int32_t sys_errno;	      /* DONE: what the system said where err is its; 0 */
	/*
	 * NAME: UTF-8 that may be shown, what DNS has of control characters is told as \xHH; ""
	 * without one, never NULL. Good until the callback returns, or the next wend_next_event.
	 */
	const char *name;
};

/* The address as text, NUL-terminated; "" without one. Returns text. */
WEND_API const char *wend_event_address(const struct wend_event *ev, char text[WEND_ADDRESS_TEXT]);

/* ev is borrowed for the length of the call. */
typedef void wend_callback(void *user, const struct wend_event *ev);

/*
 * The next event of what was started without a callback: WEND_OK, or WEND_EAGAIN when there is none
 * now. Such events wait without bound of time but not of number: while 65536 of them do, nothing
 * new is read from the network.
 */
WEND_API int wend_next_event(wend *w, struct wend_event *out);

/* ---- traces and probes ---- */

/*
 * Starts a trace to an address, or to a host name, which is looked up first. options NULL: all
 * defaults; they are copied. *out_id (may be NULL) is unique in the life of w.
 * WEND_EUSAGE (options contradict each other, wend_error), WEND_ENOROUTE, WEND_EPERM, WEND_ENOMEM,
 * WEND_EFULL (1,048,576 at once) ...: then there will be no event.
 */
WEND_API int wend_trace(wend *w, const char *target, const wend_options *options,
	wend_callback *callback, void *user, uint64_t *out_id);
/*
 * Sends one probe, with this TTL, and waits for its answer as long as option "wait" says. Events:
 * one WEND_REPLY or WEND_LOST, and WEND_DONE. target must be an address. With raw sockets many
 * thousand per second are no trouble, and they cost no descriptor each.
 *
 * Such probes differ from those of a trace: without option "port" the destination port of UDP goes
 * up from 33000, TCP goes through 16 source ports, and size may be as small as the headers. They
 * are not cut into fragments here: longer ones than the way out takes are WEND_EMSGSIZE.
 */
WEND_API int wend_probe(wend *w, const char *target, uint8_t ttl, const wend_options *options,
	wend_callback *callback, void *user, uint64_t *out_id);
/*
 * Opens now the sockets that probes with these options (NULL: defaults) need, for both families,
 * so that a program may give up its privileges and still send them as with wend_probe. WEND_OK: at
 * least one family works; WEND_EPERM: raw sockets are not allowed (with WEND_BACKEND_AUTO probes go
 * without, one socket each); others of wend_new.
 */
WEND_API int wend_open_probes(wend *w, const wend_options *options);
/* Whether this process may send such probes (enum wend_protocol) at all: WEND_OK, WEND_EPERM;
 * WEND_EINVAL. */
WEND_API int wend_can_probe(const wend *w, int protocol);
/*
 * Gives up every privilege of this process for good: user root becomes nobody, capabilities, groups
 * and the way back are gone, files and what a network program does not need are shut off where the
 * kernel can (Landlock, seccomp). Of all functions here this one alone changes the process. It is
 * called when sockets are open and before anything is read from strangers. WEND_EPERM: something
 * could be regained: do not go on.
 */
WEND_API int wend_drop_privileges(wend *w);
/* It ends as soon as may be, and tells so. WEND_ENOENT: it has told WEND_DONE, or never was. */
WEND_API int wend_cancel(wend *w, uint64_t id);

/*
 * Looks up the host name of an address, as the option "numeric" with "no" does of all that answer a
 * trace. Events: one WEND_NAME, and WEND_DONE with the same err: WEND_ENOENT, there is none;
 * WEND_ERESOLVE, no server answers; WEND_EFULL, more than 4096 are being asked for. May be canceled
 * like a trace.
 */
WEND_API int wend_lookup(
	wend *w, const char *address, wend_callback *callback, void *user, uint64_t *out_id);

/* ---- one trace in one call ---- */

/* What came of one probe. */
struct wend_path_probe {
	int64_t rtt_ns;	 /* -1: nobody answered, or not known */
	uint8_t family;	 /* of address: 4, 6; 0: nobody answered */
	uint8_t reached; /* it was the target that did */
	uint8_t icmp_type, icmp_code;
	uint8_t address[16];
	char ip[WEND_ADDRESS_TEXT]; /* the same as text; "" */
	const char *name;	    /* its host name; "" without one, or not asked for */
};

/* A TTL: who answered there first, and all its probes. */
struct wend_path_hop {
	uint32_t ttl;
	uint32_t probe_count; /* of probes */
	const struct wend_path_probe *probes;
	const char *name; /* as above, of the first; so are: */
	uint8_t family;
	uint8_t reached; /* ... but this of any */
	uint8_t address[16];
	char ip[WEND_ADDRESS_TEXT];
};

/* All of it belongs to the path, and never changes. */
struct wend_path {
	uint32_t size;
	int32_t err;	   /* what wend_traceroute returned ... */
	const char *error; /* ... in a line; "" */
	int32_t stop;	   /* enum wend_stop */
	uint32_t hop_count;
	const struct wend_path_hop *hops; /* without gaps, to the target, to who refused, or to the
					     last that answered */
	int64_t took_ns, sent, received;
	uint8_t reached; /* the target answered */
};

/*
 * Traces to an address or host name and blocks until that is over; option "deadline" bounds it, and
 * "numeric" with "no" gives names. options NULL: all defaults; config as for wend_new. A target
 * that does not answer is no error. *out is to be freed whatever is returned; NULL without memory.
 */
WEND_API int wend_traceroute(const char *target, const wend_options *options,
	const struct wend_config *config, struct wend_path **out);
WEND_API void wend_path_free(struct wend_path *path); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
