// SPDX-License-Identifier: GPL-2.0
/*
 * The rights that the control plane needs: CAP_SYS_ADMIN in the initial user
 * namespace, both of the process that opened the socket and of the caller.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/vfio.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <kselftest_harness.h>

#include "lib/control.h"
#include "lib/nlop.h"

#define ENDPOINT "/secret/server.sock"
#define ERROR	 "cannot connect to " ENDPOINT

/*
 * A device with an owner, an endpoint, an error and, after attach(), configuration
 * space. The harness runs each test in its own process, so a test may drop rights.
 */
FIXTURE(rights)
{
	struct control c;
};

FIXTURE_SETUP(rights)
{
	ASSERT_EQ(0, control_start(&self->c));
	ASSERT_EQ(0, mdev_set(self->c.uuid, "endpoint", ENDPOINT));
	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	ASSERT_EQ(0, control_detach(&self->c.nl, self->c.id, self->c.token,
				    ERROR));
}

FIXTURE_TEARDOWN(rights)
{
	EXPECT_EQ(0, control_stop(&self->c));
}

/* Gives up capabilities of this process for ever; 0 or -1. */
static int drop(const int *caps, size_t nr)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	size_t i;

	if (syscall(SYS_capget, &hdr, data))
		return -1;
	for (i = 0; i < nr; i++) {
		data[0].effective &= ~(1u << caps[i]);
		data[0].permitted &= ~(1u << caps[i]);
	}
	return syscall(SYS_capset, &hdr, data);
}

static int drop_sys_admin(void)
{
	static const int cap = CAP_SYS_ADMIN;

	return drop(&cap, 1);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = write(fd, text, strlen(text));
	close(fd);
	return len == (ssize_t)strlen(text) ? 0 : -1;
}

/* Enters a new user namespace, as its root, and @more new namespaces; 0 or -1. */
static int enter_user_namespace(int more)
{
	if (unshare(CLONE_NEWUSER | more))
		return -1;
	write_file("/proc/self/setgroups", "deny");
	if (write_file("/proc/self/uid_map", "0 0 1"))
		return -1;
	return write_file("/proc/self/gid_map", "0 0 1");
}

/* What replies contained: the number of replies that had an attribute. */
struct seen {
	int replies;
	int endpoints;
	int errors;
	int configs;
	int servers;
};

static void look(void *data, const struct nlt_reply *reply)
{
	struct seen *seen = data;

	seen->replies++;
	seen->endpoints += !!reply->attrs[VUSER_A_DEV_ENDPOINT];
	seen->errors += !!reply->attrs[VUSER_A_DEV_ERROR];
	seen->configs += !!reply->attrs[VUSER_A_DEV_CONFIG];
	seen->servers += !!reply->attrs[VUSER_A_DEV_SERVER_PID];
}

static int get(struct nlt *nl, uint32_t id, struct seen *seen)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);

	memset(seen, 0, sizeof(*seen));
	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	return nlt_call(nl, msg, look, seen);
}

static int dump(struct nlt *nl, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	return nlt_call(nl, nlt_new(VUSER_CMD_DEV_GET, NLM_F_DUMP), look, seen);
}

/*
 * Expects that @_nl can read devices, without their private attributes, and that all
 * other messages are refused. Each message is complete, so that only the rights decide.
 */
#define EXPECT_READ_ONLY(_nl)                                                  \
	do {                                                                   \
		const struct nlop_env env = {                                  \
			.id = self->c.id,                                      \
			.token = self->c.token,                                \
			.sock = self->c.sock[0],                               \
			.twin = self->c.sock[1],                               \
			.memfd = 0,                                            \
			.eventfd = 0,                                          \
		};                                                             \
		struct nlop_put put = { .env = &env };                         \
		struct seen seen;                                              \
		size_t i;                                                      \
                                                                               \
		for (i = 0; i < NR_NLOPS; i++) {                               \
			if (nlops[i].cmd == VUSER_CMD_DEV_GET)                 \
				continue;                                      \
			EXPECT_EQ(-EPERM,                                      \
				  nlt_call(_nl, nlop_compose(&put, &nlops[i]), \
					   NULL, NULL))                        \
			{                                                      \
				TH_LOG("%s", nlops[i].name);                   \
			}                                                      \
		}                                                              \
		EXPECT_EQ(-EPERM,                                              \
			  nlt_call(_nl,                                        \
				   nlt_new(VUSER_CMD_FDMSG_GET, NLM_F_DUMP),   \
				   NULL, NULL));                               \
		EXPECT_EQ(0, get(_nl, self->c.id, &seen));                     \
		EXPECT_EQ(1, seen.replies);                                    \
		EXPECT_EQ(0, seen.endpoints);                                  \
		EXPECT_EQ(0, seen.errors);                                     \
		EXPECT_EQ(0, seen.configs);                                    \
		EXPECT_EQ(0, seen.servers);                                    \
		EXPECT_EQ(0, dump(_nl, &seen));                                \
		EXPECT_LE(1, seen.replies);                                    \
		EXPECT_EQ(0, seen.endpoints);                                  \
		EXPECT_EQ(0, seen.errors);                                     \
	} while (0)

TEST_F(rights, caller_with_cap_sys_admin_sees_private_attributes)
{
	const int cap = CAP_NET_ADMIN;
	struct nlt_msg *msg;
	struct seen seen;
	struct nlt other;
	char config[64] = {};

	msg = control_attach_new(self->c.id, self->c.token, self->c.sock[0]);
	control_put_region(msg, VFIO_PCI_BAR0_REGION_INDEX, 0x1000);
	control_put_regions(msg);
	nlt_put(msg, VUSER_A_DEV_CONFIG, config, sizeof(config));
	ASSERT_EQ(0, nlt_call(&self->c.nl, msg, NULL, NULL));
	ASSERT_EQ(0, drop(&cap, 1));
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_EQ(0, get(&other, self->c.id, &seen));
	EXPECT_EQ(1, seen.endpoints);
	EXPECT_EQ(1, seen.configs);
	EXPECT_EQ(1, seen.servers);
	EXPECT_EQ(0, dump(&other, &seen));
	EXPECT_EQ(seen.replies, seen.endpoints);
	nlt_close(&other);
	/* The same device, without the right. */
	ASSERT_EQ(0, drop_sys_admin());
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_READ_ONLY(&other);
	nlt_close(&other);
}

/* As a VPN in a container of the host's network. */
TEST_F(rights, cap_net_admin_alone_can_only_read)
{
	struct nlt other;

	ASSERT_EQ(0, drop_sys_admin());
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_READ_ONLY(&other);
	nlt_close(&other);
}

TEST_F(rights, root_of_another_user_namespace_can_only_read)
{
	struct nlt other;

	ASSERT_EQ(0, enter_user_namespace(0));
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_READ_ONLY(&other);
	nlt_close(&other);
}

TEST_F(rights, another_network_namespace_does_not_have_the_family)
{
	struct nlt other;

	ASSERT_EQ(0, enter_user_namespace(CLONE_NEWNET));
	EXPECT_EQ(-ENOENT, nlt_open(&other));
}

TEST_F(rights, socket_of_a_privileged_process_gives_no_rights)
{
	struct nlt other;

	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, drop_sys_admin());
	EXPECT_READ_ONLY(&other);
	nlt_close(&other);
}

TEST_F(rights, socket_of_an_unprivileged_process_lends_no_rights)
{
	int fd = -1, status;
	struct nlt other;
	pid_t pid;

	ASSERT_EQ(0, nlt_open(&other));
	close(other.fd);
	/* The child opens the socket; this process has the same file table. */
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	ASSERT_LE(0, pid);
	if (!pid) {
		if (drop_sys_admin())
			_exit(255);
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			    NETLINK_GENERIC);
		_exit(fd < 0 || fd > 254 ? 255 : fd);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	ASSERT_NE(255, WEXITSTATUS(status));
	other.fd = WEXITSTATUS(status);
	EXPECT_READ_ONLY(&other);
	nlt_close(&other);
}

TEST_F(rights, notifications_have_no_private_attributes)
{
	struct nlt_reply reply;

	ASSERT_EQ(0, nlt_join(&self->c.nl));
	ASSERT_EQ(0, mdev_set(self->c.uuid, "endpoint", ENDPOINT ".new"));
	do {
		ASSERT_EQ(0, nlt_event(&self->c.nl, SOON_MS, &reply));
		EXPECT_EQ(NULL, reply.attrs[VUSER_A_DEV_ENDPOINT]);
		EXPECT_EQ(NULL, reply.attrs[VUSER_A_DEV_ERROR]);
	} while (nlt_u32(reply.attrs[VUSER_A_DEV_ID]) != self->c.id);
}

static int set_server_user(struct nlt *nl, uint32_t id, uint32_t user)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_SET, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	nlt_put_u32(msg, VUSER_A_DEV_SERVER_USER, user);
	return nlt_call(nl, msg, NULL, NULL);
}

/* The server's credentials in a reply. */
struct server {
	uint32_t pid;
	uint32_t uid;
	uint32_t user;
};

static void take_server(void *data, const struct nlt_reply *reply)
{
	struct server *server = data;

	if (reply->attrs[VUSER_A_DEV_SERVER_PID])
		server->pid = nlt_u32(reply->attrs[VUSER_A_DEV_SERVER_PID]);
	if (reply->attrs[VUSER_A_DEV_SERVER_UID])
		server->uid = nlt_u32(reply->attrs[VUSER_A_DEV_SERVER_UID]);
	server->user = nlt_u32(reply->attrs[VUSER_A_DEV_SERVER_USER]);
}

TEST_F(rights, only_the_demanded_user_may_run_the_server)
{
	struct server server = { .uid = 12345 };
	struct nlt_msg *msg;

	/* The test itself is the other end of the socket pair. */
	ASSERT_EQ(0, set_server_user(&self->c.nl, self->c.id, 65534));
	EXPECT_EQ(-EACCES, control_attach(&self->c.nl, self->c.id,
					  self->c.token, self->c.sock[0]));
	ASSERT_EQ(0, set_server_user(&self->c.nl, self->c.id, 0));
	EXPECT_EQ(0, control_attach(&self->c.nl, self->c.id, self->c.token,
				    self->c.sock[0]));
	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->c.id);
	EXPECT_EQ(0, nlt_call(&self->c.nl, msg, take_server, &server));
	EXPECT_EQ(getpid(), server.pid);
	EXPECT_EQ(0, server.uid);
	EXPECT_EQ(0, server.user);
}

/* Root of a container often has no capabilities, but the owner of /sys. */
TEST_F(rights, root_without_cap_sys_admin_cannot_change_settings_in_sysfs)
{
	char value[64];

	ASSERT_EQ(0, mdev_set(self->c.uuid, "close_timeout_ms", "7000"));
	ASSERT_EQ(0, drop_sys_admin());
	EXPECT_EQ(-EPERM, mdev_set(self->c.uuid, "endpoint", "/mine"));
	EXPECT_EQ(-EPERM, mdev_set(self->c.uuid, "close_timeout_ms", "8000"));
	EXPECT_EQ(0, mdev_get(self->c.uuid, "close_timeout_ms", value,
			      sizeof(value)));
	EXPECT_STREQ("7000", value);
}

TEST_F(rights, other_users_cannot_read_paths_in_sysfs)
{
	char value[VUSER_ENDPOINT_MAX + 2];

	EXPECT_EQ(0, mdev_get(self->c.uuid, "endpoint", value, sizeof(value)));
	EXPECT_STREQ(ENDPOINT, value);
	ASSERT_EQ(0, seteuid(65534));
	EXPECT_EQ(-EACCES,
		  mdev_get(self->c.uuid, "endpoint", value, sizeof(value)));
	EXPECT_EQ(-EACCES,
		  mdev_get(self->c.uuid, "error", value, sizeof(value)));
	EXPECT_EQ(0, mdev_get(self->c.uuid, "state", value, sizeof(value)));
	ASSERT_EQ(0, seteuid(0));
}

TEST_HARNESS_MAIN
