/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that measuring a network never needs are refused. A list of what is refused, not
 * of what is allowed: resolver, event loop and C library differ in what they call from one version
 * to the next, and a program that dies of an unexpected call helps nobody.
 */
#include "os/linux/confine.h"

#include <errno.h>
#include <stddef.h>

#if WN_HAVE_SECCOMP
#include <seccomp.h>

static const int refused[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
#if !WN_CONFINE_FOR_LEAK_CHECKER
	SCMP_SYS(ptrace),
#endif
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(personality),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
};

bool wn_confine_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool stands;

	if (!filter)
		return false;
	/* Threads that exist already are held to it too. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	stands = seccomp_load(filter) == 0;
	seccomp_release(filter);
	return stands;
}
#else
bool wn_confine_calls(void)
{
	return false;
}
#endif
