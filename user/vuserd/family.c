// SPDX-License-Identifier: GPL-2.0
/* Watch whether the kernel module is loaded. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/vuser.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "family.h"

struct family {
	struct nl_sock *sk;
	sd_event_source *io;
	void (*fn)(void *data, int id);
	void *data;
};

static int on_message(struct nl_msg *msg, void *data)
{
	struct nlattr *attrs[CTRL_ATTR_MAX + 1];
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct family *family = data;
	uint8_t cmd;

	if (hdr->nlmsg_type != GENL_ID_CTRL || !genlmsg_valid_hdr(hdr, 0))
		return NL_OK;
	cmd = genlmsg_hdr(hdr)->cmd;
	if (cmd != CTRL_CMD_NEWFAMILY && cmd != CTRL_CMD_DELFAMILY)
		return NL_OK;
	if (genlmsg_parse(hdr, 0, attrs, CTRL_ATTR_MAX, NULL) ||
	    !attrs[CTRL_ATTR_FAMILY_NAME] ||
	    nla_strcmp(attrs[CTRL_ATTR_FAMILY_NAME], VUSER_FAMILY_NAME))
		return NL_OK;
	if (cmd == CTRL_CMD_DELFAMILY)
		family->fn(family->data, 0);
	else if (attrs[CTRL_ATTR_FAMILY_ID])
		family->fn(family->data,
			   nla_get_u16(attrs[CTRL_ATTR_FAMILY_ID]));
	return NL_OK;
}

/* Messages were lost, perhaps one about our family: ask for its number. */
static void ask(struct family *family)
{
	struct nl_sock *sk = nl_socket_alloc();
	int id;

	if (!sk)
		return;
	if (!genl_connect(sk)) {
		id = genl_ctrl_resolve(sk, VUSER_FAMILY_NAME);
		if (id > 0 || id == -NLE_OBJ_NOTFOUND)
			family->fn(family->data, id > 0 ? id : 0);
	}
	nl_socket_free(sk);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents,
		    void *data)
{
	struct family *family = data;
	int ret;

	(void)source;
	(void)fd;
	(void)revents;
	/*
	 * This receives one datagram. The event loop calls again for the next
	 * one.
	 */
	ret = nl_recvmsgs_default(family->sk);
	if (ret < 0 && ret != -NLE_AGAIN)
		ask(family);
	return 0;
}

static int subscribe(struct family *family)
{
	int group;

	family->sk = nl_socket_alloc();
	if (!family->sk)
		return -ENOMEM;
	if (genl_connect(family->sk))
		return -EIO;
	group = genl_ctrl_resolve_grp(family->sk, "nlctrl", "notify");
	if (group < 0 || nl_socket_add_membership(family->sk, group))
		return -EIO;
	nl_socket_disable_seq_check(family->sk);
	nl_socket_set_nonblocking(family->sk);
	return nl_socket_modify_cb(family->sk, NL_CB_VALID, NL_CB_CUSTOM,
				   on_message, family) ?
		       -EIO :
		       0;
}

int family_watch(struct family **result, sd_event *event,
		 void (*fn)(void *data, int id), void *data)
{
	struct family *family;
	int ret;

	family = calloc(1, sizeof(*family));
	if (!family)
		return -ENOMEM;
	family->fn = fn;
	family->data = data;
	ret = subscribe(family);
	if (!ret)
		ret = sd_event_add_io(event, &family->io,
				      nl_socket_get_fd(family->sk), EPOLLIN,
				      on_input, family);
	if (ret < 0) {
		family_unwatch(family);
		return ret;
	}
	*result = family;
	return 0;
}

void family_unwatch(struct family *family)
{
	if (!family)
		return;
	sd_event_source_disable_unref(family->io);
	if (family->sk)
		nl_socket_free(family->sk);
	free(family);
}
