/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up privileges so that they cannot come back. The order matters: what needs a capability
 * (the bounding set, the ids) comes before the capabilities go, and nothing is believed before
 * it was tried to be undone.
 */
#include "os/os.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/linux/confine.h"

#define NOBODY 65534

static bool has_effective(cap_value_t which)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (!caps)
		return false;
	cap_get_flag(caps, which, CAP_EFFECTIVE, &value);
	cap_free(caps);
	return value == CAP_SET;
}

static bool socket_allowed(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void wn_os_privs_get(struct wn_os_privs *out)
{
	out->net_raw = has_effective(CAP_NET_RAW);
	out->net_admin = has_effective(CAP_NET_ADMIN);
	out->ping_socket = socket_allowed(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) ||
			   socket_allowed(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
}

/* Without CAP_SETPCAP the bounding set stays; NO_NEW_PRIVS makes it irrelevant. */
static void drop_inheritable_sets(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

struct ids {
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;
};

static bool read_ids(struct ids *ids)
{
	return getresuid(&ids->real, &ids->effective, &ids->saved) == 0 &&
	       getresgid(&ids->real_group, &ids->effective_group, &ids->saved_group) == 0;
}

/*
 * Set-uid and set-gid programs go back to who started them, root becomes nobody. In a user
 * namespace groups may be frozen and nobody not mapped: then the ids stay, which without
 * capabilities are those of the person who made the namespace.
 */
static wn_err drop_ids(const struct ids *was, struct wn_errctx *ctx)
{
	uid_t uid = was->real;
	gid_t gid = was->real_group;

	if (uid == 0) {
		uid = NOBODY;
		gid = NOBODY;
	}
	if (was->effective == 0 && setgroups(0, NULL) != 0 && errno != EPERM)
		return wn_fail_sys(ctx, WN_EPERM, errno, "cannot leave the groups of root");
	if (setresgid(gid, gid, gid) != 0 && errno != EINVAL && errno != EPERM)
		return wn_fail_sys(ctx, WN_EPERM, errno, "cannot give up the group of root");
	if (setresuid(uid, uid, uid) != 0 && errno != EINVAL && errno != EPERM)
		return wn_fail_sys(ctx, WN_EPERM, errno, "cannot give up the user root");
	return WN_OK;
}

/* What is left in the end: nothing, or CAP_NET_RAW. NULL: out of memory. */
static cap_t wanted(bool keep_raw)
{
	static const cap_value_t raw = CAP_NET_RAW;
	cap_t caps = cap_init();

	if (caps && keep_raw &&
		(cap_set_flag(caps, CAP_PERMITTED, 1, &raw, CAP_SET) != 0 ||
			cap_set_flag(caps, CAP_EFFECTIVE, 1, &raw, CAP_SET) != 0)) {
		cap_free(caps);
		return NULL;
	}
	return caps;
}

static bool set_capabilities(bool keep_raw)
{
	cap_t caps = wanted(keep_raw);
	bool ok = caps && cap_set_proc(caps) == 0;

	if (caps)
		cap_free(caps);
	return ok;
}

static bool holds_others(bool keep_raw)
{
	cap_t caps = cap_get_proc(), right = wanted(keep_raw);
	bool others = !caps || !right || cap_compare(caps, right) != 0;

	if (caps)
		cap_free(caps);
	if (right)
		cap_free(right);
	return others;
}

static bool can_raise(cap_value_t which)
{
	cap_t caps = cap_get_proc();
	bool ok = false;

	if (!caps)
		return true;
	if (cap_set_flag(caps, CAP_PERMITTED, 1, &which, CAP_SET) == 0 &&
		cap_set_flag(caps, CAP_EFFECTIVE, 1, &which, CAP_SET) == 0)
		ok = cap_set_proc(caps) == 0;
	cap_free(caps);
	return ok;
}

/* Tries every way back. Success of any of them is the failure of this file. */
static wn_err verify(const struct ids *was, bool keep_raw, struct wn_errctx *ctx)
{
	struct ids now;

	if (!read_ids(&now) || now.real != now.effective || now.real != now.saved ||
		now.real_group != now.effective_group || now.real_group != now.saved_group)
		return wn_fail(ctx, WN_EPERM, "user and group ids are not all dropped");
	if (now.real != was->effective && seteuid(was->effective) == 0)
		return wn_fail(ctx, WN_EPERM, "the user id could be regained");
	if (now.real_group != was->effective_group && setegid(was->effective_group) == 0)
		return wn_fail(ctx, WN_EPERM, "the group id could be regained");
	if (now.real != 0 && setresuid(0, 0, 0) == 0)
		return wn_fail(ctx, WN_EPERM, "root could be regained");
	if (holds_others(keep_raw) || can_raise(CAP_NET_ADMIN) || can_raise(CAP_SETUID) ||
		(!keep_raw && can_raise(CAP_NET_RAW)))
		return wn_fail(ctx, WN_EPERM, "capabilities could be regained");
	if (!keep_raw && socket_allowed(AF_INET, SOCK_RAW, IPPROTO_ICMP))
		return wn_fail(ctx, WN_EPERM, "raw sockets can still be opened");
	return WN_OK;
}

static wn_err drop(bool keep_raw, struct wn_errctx *ctx)
{
	struct ids was;
	wn_err err;

	if (!read_ids(&was))
		return wn_fail_sys(ctx, WN_EPERM, errno, "cannot read user ids");
	drop_inheritable_sets();
	prctl(PR_SET_KEEPCAPS, keep_raw ? 1ul : 0ul, 0ul, 0ul, 0ul);
	err = drop_ids(&was, ctx);
	if (err != WN_OK)
		return err;
	if (!set_capabilities(keep_raw))
		return wn_fail_sys(ctx, WN_EPERM, errno, "cannot give up capabilities");
	prctl(PR_SET_KEEPCAPS, 0ul, 0ul, 0ul, 0ul);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return wn_fail_sys(ctx, WN_EPERM, errno, "cannot forbid new privileges");
	err = verify(&was, keep_raw, ctx);
	if (err != WN_OK)
		return err;
	wn_confine_files();
	wn_confine_calls();
	return WN_OK;
}

wn_err wn_os_privs_drop(struct wn_errctx *ctx)
{
	return drop(false, ctx);
}

wn_err wn_os_privs_drop_but_raw(struct wn_errctx *ctx)
{
	return drop(has_effective(CAP_NET_RAW), ctx);
}
