/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back is the saved user id 0. While it is there, the permitted capabilities stay, and three of them are made
 * effective again after the change of the effective user has cleared them. When the last of the three user ids leaves
 * 0, the kernel clears all capabilities; glibc makes each thread do it, while a call to capset() would reach one only.
 */
#include "daemon/privilege.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* To bind low ports, to ask for large receive buffers, and to read keys and make files in root's directories. */
static const uint32_t kept = 1u << CAP_NET_BIND_SERVICE | 1u << CAP_NET_ADMIN | 1u << CAP_DAC_OVERRIDE;

enum { CAPABILITY_WORDS = 2 };

__attribute__((format(printf, 2, 3))) static bool refuse(char *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error, PRIVILEGE_ERROR_MAX_BYTES, format, arguments);
	va_end(arguments);
	return false;
}

static void move_to(struct privilege *privilege, enum privilege_state state)
{
	assert(state > privilege->state);
	privilege->state = state;
}

/* libc has no call for these two. */
static bool read_capabilities(struct __user_cap_data_struct sets[CAPABILITY_WORDS])
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	return syscall(SYS_capget, &header, sets) == 0;
}

static bool write_capabilities(const struct __user_cap_data_struct sets[CAPABILITY_WORDS])
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	return syscall(SYS_capset, &header, sets) == 0;
}

/* Of the three, those that we were given: in a container some may be missing, and then what needs them says so. */
static bool raise_kept(void)
{
	struct __user_cap_data_struct sets[CAPABILITY_WORDS];
	if (!read_capabilities(sets))
		return false;
	sets[0].effective = sets[0].permitted &= kept;
	sets[1].effective = sets[1].permitted = 0;
	sets[0].inheritable = sets[1].inheritable = 0;
	return write_capabilities(sets);
}

bool privilege_lower(struct privilege *privilege, const char *user, char *error)
{
	/* We never start another program: nothing that is run in our name shall gain anything. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse(error, "new privileges cannot be ruled out: %s", strerror(errno));
	move_to(privilege, PRIVILEGE_LOWERED);
	if (user == NULL)
		return true;
	errno = 0;
	const struct passwd *entry = getpwnam(user);
	if (entry == NULL)
		return refuse(error, "user: there is no user \"%.64s\"%s%s", user, errno != 0 ? ": " : "",
					  errno != 0 ? strerror(errno) : "");
	if (entry->pw_uid == geteuid() && entry->pw_uid == getuid())
		return true;
	if (geteuid() != 0)
		return refuse(error, "user: only root can become \"%.64s\"; start relayd as root or as that user", user);
	privilege->uid = entry->pw_uid;
	privilege->gid = entry->pw_gid;
	privilege->changes = true;
	if (initgroups(user, privilege->gid) != 0 || setresgid(privilege->gid, privilege->gid, privilege->gid) != 0 ||
		setresuid(privilege->uid, privilege->uid, 0) != 0 || !raise_kept())
		return refuse(error, "user: cannot become \"%.64s\": %s", user, strerror(errno));
	return true;
}

/* Nothing is left and no way leads back. */
static bool is_given_up(const struct privilege *privilege)
{
	struct __user_cap_data_struct sets[CAPABILITY_WORDS];
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;
	if (getresuid(&real, &effective, &saved) != 0 || getresgid(&real_group, &effective_group, &saved_group) != 0 ||
		!read_capabilities(sets))
		return false;
	if (real != privilege->uid || effective != privilege->uid || saved != privilege->uid ||
		real_group != privilege->gid || effective_group != privilege->gid || saved_group != privilege->gid)
		return false;
	if ((sets[0].permitted | sets[1].permitted | sets[0].effective | sets[1].effective) != 0)
		return false;
	bool back_to_root = setresuid((uid_t)-1, 0, (uid_t)-1) == 0;
	bool back_to_group = privilege->gid != 0 && setresgid((gid_t)-1, 0, (gid_t)-1) == 0;
	return !back_to_root && !back_to_group;
}

bool privilege_give_up(struct privilege *privilege, char *error)
{
	assert(privilege->state == PRIVILEGE_LOWERED);
	move_to(privilege, PRIVILEGE_GIVEN_UP);
	if (!privilege->changes)
		return true;
	if (setresuid(privilege->uid, privilege->uid, privilege->uid) != 0)
		return refuse(error, "user: root's privileges cannot be given up: %s", strerror(errno));
	if (!is_given_up(privilege))
		return refuse(error, "user: root's privileges are still there after giving them up");
	return true;
}
