/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are shut off by Landlock; descriptors that are open stay usable. A name resolver rereads
 * its configuration and a time zone may be loaded late: those few places stay readable.
 */
#include "os/linux/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights by Landlock version: asking for one that the kernel does not know is refused. */
#define RIGHTS_1       ((1ull << 13) - 1) /* EXECUTE to MAKE_SYM */
#define RIGHT_REFER    (1ull << 13)	  /* version 2 */
#define RIGHT_TRUNCATE (1ull << 14)	  /* version 3 */
#define RIGHT_IOCTL    (1ull << 15)	  /* version 5 */

/* resolv.conf may be a link into /run. */
static const char *const readable[] = {
	"/etc",
	"/run",
	"/usr/share",
#if WN_CONFINE_FOR_LEAK_CHECKER
	"/proc",
#endif
};

static uint64_t known_rights(long version)
{
	uint64_t rights = RIGHTS_1;

	if (version >= 2)
		rights |= RIGHT_REFER;
	if (version >= 3)
		rights |= RIGHT_TRUNCATE;
	if (version >= 5)
		rights |= RIGHT_IOCTL;
	return rights;
}

static void allow_reading(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};

	if (rule.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

bool wn_confine_files(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {.handled_access_fs = known_rights(version)};
	size_t len = offsetof(struct landlock_ruleset_attr, handled_access_fs) +
		     sizeof(attr.handled_access_fs);
	bool stands;
	int ruleset;

	if (version < 1)
		return false;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, len, 0);
	if (ruleset < 0)
		return false;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow_reading(ruleset, readable[i]);
	stands = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	close(ruleset);
	return stands;
}
