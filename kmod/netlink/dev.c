// SPDX-License-Identifier: GPL-2.0
/*
 * Handlers that show a device, change its settings, claim it, and attach and detach
 * its server.
 *
 * No handler waits for a server or a helper; see family.c.  The extack of @info
 * explains the errors.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "netlink/desc.h"
#include "netlink/family.h"
#include "netlink/find.h"
#include "netlink/gen.h"
#include "netlink/ntf.h"
#include "netlink/owner.h"
#include "netlink/rights.h"
#include "netlink/show.h"
#include "server/channel.h"
#include "server/desc.h"
#include "server/fdmsg.h"
#include "vfio/device.h"
#include "vfio/settings.h"
#include "vfio/state.h"
#include "vfio/table.h"

/*
 * Size of a reply that shows all attributes of a device, in bytes: those of a message
 * without details, configuration space, and 8 KiB for regions and interrupts.
 */
#define VUSER_NL_DETAILS_SIZE	(VUSER_NL_SHOW_SIZE + VUSER_CONFIG_MAX + 8192)

/**
 * vuser_nl_dev_get_doit() - handle dev-get: show one device
 * @skb: the message
 * @info: the message, parsed
 *
 * A sender without all rights gets no private attributes.
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when the message does not have exactly one of id and uuid;
 * -ENODEV when there is no such device; -ENOMEM; -EMSGSIZE; or an error of the
 * caller's socket.
 */
int vuser_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	unsigned int parts = VUSER_NL_SHOW_DETAILS | VUSER_NL_SHOW_LATENCY;
	struct vuser_device *dev;
	struct sk_buff *reply;
	int ret = -ENOMEM;

	dev = vuser_nl_find_dev_get(info);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	reply = genlmsg_new(VUSER_NL_DETAILS_SIZE, GFP_KERNEL);
	if (!reply)
		goto out_put;
	if (vuser_nl_rights_full(skb))
		parts |= VUSER_NL_SHOW_PRIVATE;
	ret = vuser_nl_show_dev(reply, dev, info->snd_portid, info->snd_seq, 0,
				VUSER_CMD_DEV_GET, parts);
	if (ret)
		nlmsg_free(reply);
	else
		ret = genlmsg_reply(reply, info);
out_put:
	vuser_device_put(dev);
	return ret;
}

/**
 * vuser_nl_dev_get_dumpit() - handle dev-get: dump all devices
 * @skb: buffer for the messages
 * @cb: state of the dump; args[0] is the number of the next device
 *
 * A receiver without all rights gets no private attributes.
 *
 * Context: process; takes the locks of the devices, one at a time.
 * Return: bytes in @skb; 0 at the end of the dump.
 */
int vuser_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	unsigned int parts = VUSER_NL_SHOW_LATENCY;
	struct vuser_device *dev;
	u32 id = cb->args[0];
	int ret;

	if (vuser_nl_rights_full(cb->skb))
		parts |= VUSER_NL_SHOW_PRIVATE;
	while ((dev = vuser_table_next_get(&id))) {
		ret = vuser_nl_show_dev(skb, dev, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, NLM_F_MULTI,
					VUSER_CMD_DEV_GET, parts);
		vuser_device_put(dev);
		if (ret)
			break;
		id++;
	}
	cb->args[0] = id;
	return skb->len;
}

/* Reads an attribute into @val, if the message has the attribute. */
static void vuser_nl_get_u32(struct nlattr *attr, u32 *val)
{
	if (attr)
		*val = nla_get_u32(attr);
}

/* Replaces the settings for which the message has an attribute. */
static void vuser_nl_get_settings(struct nlattr **attrs,
				  struct vuser_settings *set)
{
	vuser_nl_get_u32(attrs[VUSER_A_DEV_REQUEST_TIMEOUT_MS],
			 &set->request_timeout_ms);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_CLOSE_TIMEOUT_MS],
			 &set->close_timeout_ms);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_MMAP], &set->mmap);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_MAX_DMA_MAPS], &set->max_dma_maps);
	if (attrs[VUSER_A_DEV_RESET])
		set->reset_never = nla_get_u32(attrs[VUSER_A_DEV_RESET]) ==
				   VUSER_RESET_POLICY_NEVER;
	if (attrs[VUSER_A_DEV_PCI_SETUP])
		set->pci_setup_never =
			nla_get_u32(attrs[VUSER_A_DEV_PCI_SETUP]) ==
			VUSER_PCI_SETUP_NEVER;
	vuser_nl_get_u32(attrs[VUSER_A_DEV_DMA_BACKING], &set->dma_backing);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_DMA_HOLES], &set->dma_holes);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_SERVER_USER], &set->server_user);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_ON_LOSS], &set->on_loss);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_RECONNECT_TIMEOUT_MS],
			 &set->reconnect_timeout_ms);
	if (attrs[VUSER_A_DEV_STATE_KEPT])
		set->state_kept =
			nla_get_u32(attrs[VUSER_A_DEV_STATE_KEPT]) ==
			VUSER_STATE_KEPT_YES;
}

/* Copies the endpoint, if the message has one; otherwise sets *@copy to NULL. */
static int vuser_nl_copy_endpoint(const struct nlattr *attr, char **copy,
				  struct netlink_ext_ack *extack)
{
	int ret;

	*copy = NULL;
	if (!attr)
		return 0;
	ret = vuser_settings_copy_endpoint(nla_data(attr), copy);
	if (ret)
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "the endpoint must be an absolute path or empty");
	return ret;
}

static int vuser_nl_set_pci_address(struct vuser_device *dev,
				    const struct nlattr *attr,
				    struct netlink_ext_ack *extack)
{
	int ret;

	if (!attr)
		return 0;
	ret = vuser_settings_set_pci_address(dev, nla_data(attr));
	if (ret)
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "the PCI address is malformed or in use, or the device is open");
	return ret;
}

/*
 * Changes all settings of the message, or none; the device's lock is held.  Only
 * steps that cannot fail come after the PCI address.
 */
static int vuser_nl_dev_set(struct vuser_device *dev, struct genl_info *info)
{
	struct nlattr *endpoint = info->attrs[VUSER_A_DEV_ENDPOINT];
	struct vuser_settings set = dev->settings;
	char *copy;
	int ret;

	vuser_nl_get_settings(info->attrs, &set);
	ret = vuser_settings_check(&set);
	if (ret) {
		NL_SET_ERR_MSG(info->extack, "a setting is out of range");
		return ret;
	}
	ret = vuser_nl_copy_endpoint(endpoint, &copy, info->extack);
	if (ret)
		return ret;
	ret = vuser_nl_set_pci_address(dev, info->attrs[VUSER_A_DEV_PCI_ADDRESS],
				       info->extack);
	if (ret) {
		kfree(copy);
		return ret;
	}
	if (endpoint)
		vuser_settings_put_endpoint(dev, copy);
	vuser_settings_put(dev, &set);
	return 0;
}

/**
 * vuser_nl_dev_set_doit() - handle dev-set: change settings of a device
 * @skb: the message
 * @info: the message, parsed
 *
 * A message that is refused changes nothing.
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when the message does not have exactly one of id and uuid, or
 * when a value is not valid; -ENODEV when there is no such device; -EBUSY when the
 * PCI address cannot change because the device is open; -EEXIST when another device
 * has this PCI address; -ENAMETOOLONG; or -ENOMEM.
 */
int vuser_nl_dev_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_device *dev;
	int ret;

	dev = vuser_nl_find_dev_get(info);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	mutex_lock(&dev->lock);
	ret = vuser_nl_dev_set(dev, info);
	mutex_unlock(&dev->lock);
	if (!ret)
		vuser_nl_ntf_changed(dev);
	vuser_device_put(dev);
	return ret;
}

/* Replies to dev-claim with the token. */
static int vuser_nl_reply_claim(struct genl_info *info, u32 id, u64 token)
{
	struct sk_buff *skb;
	void *hdr;

	skb = genlmsg_new(nla_total_size(sizeof(u32)) +
			  nla_total_size_64bit(sizeof(u64)), GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	hdr = genlmsg_put_reply(skb, info, &vuser_nl_family, 0,
				VUSER_CMD_DEV_CLAIM);
	if (!hdr || nla_put_u32(skb, VUSER_A_DEV_ID, id) ||
	    nla_put_u64_64bit(skb, VUSER_A_DEV_TOKEN, token,
			      VUSER_A_DEV_PAD)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* Notifies the owner of each fdmsg of a channel, and drops the reference; NULL: nothing. */
static void vuser_nl_notify_all(struct vuser_channel *chan)
{
	if (!chan)
		return;
	vuser_fdmsg_notify_all(chan);
	vuser_channel_put(chan);
}

/**
 * vuser_nl_dev_claim_doit() - handle dev-claim: make the caller the owner
 * @skb: the message
 * @info: the message, parsed
 *
 * Notifies the new owner of each fdmsg that waits.
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when the id is missing; -ENODEV when there is no such device;
 * -EBUSY when another helper owns the device; -ENOMEM; or an error of the caller's
 * socket.
 */
int vuser_nl_dev_claim_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_device *dev;
	u64 token;
	int ret;

	dev = vuser_nl_find_get(info, VUSER_A_DEV_ID);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = vuser_nl_owner_claim(dev, info->snd_portid, &token);
	if (ret == -EBUSY)
		NL_SET_ERR_MSG(info->extack, "another helper owns the device");
	if (ret)
		goto out_put;
	ret = vuser_nl_reply_claim(info, dev->id, token);
	vuser_nl_ntf_changed(dev);
	vuser_nl_notify_all(vuser_state_channel_get(dev));
	vuser_nl_notify_all(vuser_state_next_get(dev));
out_put:
	vuser_device_put(dev);
	return ret;
}

/*
 * Looks up a file descriptor of the caller and checks that it is a connected UNIX
 * stream socket.  Returns the socket with a reference to its file, or an error
 * pointer.
 */
static struct socket *vuser_nl_socket_get(struct genl_info *info,
					  struct nlattr *attr)
{
	struct socket *sock;
	int ret;

	sock = sockfd_lookup(nla_get_s32(attr), &ret);
	if (!sock) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "not a socket");
		return ERR_PTR(ret);
	}
	if (sock->sk->sk_family != AF_UNIX || sock->type != SOCK_STREAM ||
	    READ_ONCE(sock->sk->sk_state) != TCP_ESTABLISHED) {
		sockfd_put(sock);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "not a connected UNIX stream socket");
		return ERR_PTR(-EINVAL);
	}
	return sock;
}

/*
 * Gets the main socket and the twin socket, each with a reference to its file.  Sets
 * *@twin to NULL if the message has no twin-fd.
 */
static int vuser_nl_sockets_get(struct genl_info *info, struct socket **sock,
				struct socket **twin)
{
	struct nlattr *attr = info->attrs[VUSER_A_DEV_TWIN_FD];

	*twin = NULL;
	if (GENL_REQ_ATTR_CHECK(info, VUSER_A_DEV_SOCKET_FD))
		return -EINVAL;
	*sock = vuser_nl_socket_get(info, info->attrs[VUSER_A_DEV_SOCKET_FD]);
	if (IS_ERR(*sock))
		return PTR_ERR(*sock);
	if (!attr)
		return 0;
	*twin = vuser_nl_socket_get(info, attr);
	if (!IS_ERR(*twin) && *twin != *sock)
		return 0;
	if (!IS_ERR(*twin)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "socket-fd and twin-fd are the same socket");
		sockfd_put((*twin));
		*twin = ERR_PTR(-EINVAL);
	}
	sockfd_put((*sock));
	return PTR_ERR(*twin);
}

/*
 * Stores who serves the other end of a socket, as SO_PEERCRED reports it: the process that
 * called listen().
 */
static void vuser_nl_get_server(struct vuser_desc *desc, struct socket *sock)
{
	struct sock *sk = sock->sk;

	spin_lock(&sk->sk_peer_lock);
	desc->server_pid = get_pid(sk->sk_peer_pid);
	if (sk->sk_peer_cred) {
		desc->server_uid = sk->sk_peer_cred->euid;
		desc->server_gid = sk->sk_peer_cred->egid;
	}
	spin_unlock(&sk->sk_peer_lock);
}

/* Whether the user who runs the server is the user that the setting demands. */
static bool vuser_nl_server_allowed(struct vuser_device *dev,
				    const struct vuser_desc *desc)
{
	u32 user = dev->settings.server_user;

	lockdep_assert_held(&dev->lock);
	return user == VUSER_SERVER_USER_ANY ||
	       (uid_valid(desc->server_uid) &&
		from_kuid(&init_user_ns, desc->server_uid) == user);
}

/* Explains an error of vuser_state_attach() other than -ENOTUNIQ in the extack. */
static void vuser_nl_attach_error(struct genl_info *info, int ret)
{
	switch (ret) {
	case -EBUSY:
		NL_SET_ERR_MSG(info->extack, "the device already has a server");
		break;
	case -ETOOMANYREFS:
		NL_SET_ERR_MSG(info->extack,
			       "another process holds socket-fd or twin-fd, too");
		break;
	case -EINVAL:
		NL_SET_ERR_MSG(info->extack,
			       "twin-fd is the other end of socket-fd");
		break;
	case -EPROTO:
		NL_SET_ERR_MSG(info->extack,
			       "the server sent file descriptors before it was attached");
		break;
	}
}

/* Attaches the server; on success the device owns description and sockets. */
static int vuser_nl_attach(struct genl_info *info, struct vuser_desc *desc,
			   struct socket *sock, struct socket *twin)
{
	struct vuser_device *dev;
	const char *why = NULL;
	int ret;

	dev = vuser_nl_owner_get(info, VUSER_A_DEV_ID, VUSER_A_DEV_TOKEN);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	if (!vuser_nl_server_allowed(dev, desc)) {
		NL_SET_ERR_MSG(info->extack,
			       "the server runs as another user than server-user");
		ret = -EACCES;
		goto out_put;
	}
	if (info->attrs[VUSER_A_DEV_REPLACE])
		ret = vuser_state_attach_next(dev, desc, sock, twin, &why);
	else
		ret = vuser_state_attach(dev, desc, sock, twin, &why);
	if (ret == -ENOTUNIQ && info->extack)
		info->extack->_msg = why;
	vuser_nl_attach_error(info, ret);
out_put:
	vuser_nl_owner_put(dev);
	return ret;
}

/**
 * vuser_nl_dev_attach_doit() - handle dev-attach: attach a server to a device
 * @skb: the message
 * @info: the message, parsed
 *
 * Takes its own references to the files of the message's file descriptors, which
 * belong to the caller.  Takes no socket's lock.
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when an attribute is missing or not valid; -EBADF or -ENOTSOCK
 * when a file descriptor is not open or is not a socket; -ENODEV when the device does
 * not exist or is being removed; -EPERM when the caller does not own the device;
 * -EBUSY when the device already has a server; -EACCES when the server runs as another
 * user than the setting server_user demands; -ETOOMANYREFS when another process holds
 * one of the sockets, too; -EPROTO when the server sent file descriptors that the
 * helper has not read; -ENOTUNIQ when the device is open and the server's device differs
 * from the device as opened; -ENOMEM; or another error of vuser_nl_desc_parse().
 */
int vuser_nl_dev_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct socket *sock, *twin;
	struct vuser_desc *desc;
	int ret;

	ret = vuser_nl_sockets_get(info, &sock, &twin);
	if (ret)
		return ret;
	desc = vuser_nl_desc_parse(info);
	if (IS_ERR(desc)) {
		ret = PTR_ERR(desc);
		goto err_socks;
	}
	ret = vuser_desc_check(desc);
	if (ret) {
		NL_SET_ERR_MSG(info->extack,
			       "the description has a value that is not valid");
		goto err_desc;
	}
	vuser_nl_get_server(desc, sock);
	ret = vuser_nl_attach(info, desc, sock, twin);
	if (ret)
		goto err_desc;
	return 0;

err_desc:
	vuser_desc_put(desc);
err_socks:
	if (twin)
		sockfd_put(twin);
	sockfd_put(sock);
	return ret;
}

/**
 * vuser_nl_dev_detach_doit() - handle dev-detach: detach the server of a device
 * @skb: the message
 * @info: the message, parsed
 *
 * Stores the error text of the message, also if the device has no server.
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when an attribute is missing; -ENODEV when the device does not
 * exist or is being removed; -EPERM when the caller does not own the device; -EBUSY
 * when the device is open (an error text is stored if its server is lost); or -ENOMEM.
 */
int vuser_nl_dev_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *error = info->attrs[VUSER_A_DEV_ERROR];
	struct vuser_device *dev;
	int ret;

	dev = vuser_nl_owner_get(info, VUSER_A_DEV_ID, VUSER_A_DEV_TOKEN);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	if (info->attrs[VUSER_A_DEV_REPLACE]) {
		ret = vuser_state_refuse(dev, error ? nla_data(error) :
						      "no server");
		if (ret)
			NL_SET_ERR_MSG(info->extack, "no replacement waits for a server");
	} else {
		ret = vuser_state_detach(dev, error ? nla_data(error) : NULL);
		if (ret == -EBUSY)
			NL_SET_ERR_MSG(info->extack, "the device is open");
	}
	vuser_nl_owner_put(dev);
	return ret;
}

/**
 * vuser_nl_dev_replace_doit() - handle dev-replace: ask for another server of a device
 * @skb: the message
 * @info: the message, parsed
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when the message does not have exactly one of id and uuid, or no
 * absolute path; -ENODEV when there is no such device; -EBUSY when the
 * device is not open, or its server is being replaced already; -ENAMETOOLONG; or -ENOMEM.
 */
int vuser_nl_dev_replace_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[VUSER_A_DEV_REPLACEMENT];
	struct vuser_device *dev;
	char *endpoint;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, VUSER_A_DEV_REPLACEMENT))
		return -EINVAL;
	ret = vuser_nl_copy_endpoint(attr, &endpoint, info->extack);
	if (!ret && !endpoint) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the new server needs the path of its socket");
		ret = -EINVAL;
	}
	if (ret)
		return ret;
	dev = vuser_nl_find_dev_get(info);
	if (IS_ERR(dev)) {
		kfree(endpoint);
		return PTR_ERR(dev);
	}
	mutex_lock(&dev->lock);
	ret = vuser_state_request(dev, endpoint, info->attrs[VUSER_A_DEV_NO_STATE]);
	mutex_unlock(&dev->lock);
	if (ret) {
		NL_SET_ERR_MSG(info->extack,
			       "the device is not open, or its server is being replaced already");
		kfree(endpoint);
	} else {
		vuser_nl_ntf_changed(dev);
	}
	vuser_device_put(dev);
	return ret;
}
