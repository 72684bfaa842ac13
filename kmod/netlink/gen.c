// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vuser.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: Documentation/netlink/regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "gen.h"

#include <uapi/linux/vuser.h>

/* Common nested types */
const struct nla_policy vuser_area_nl_policy[VUSER_A_AREA_FILE_OFFSET + 1] = {
	[VUSER_A_AREA_OFFSET] = { .type = NLA_U64, },
	[VUSER_A_AREA_SIZE] = { .type = NLA_U64, },
	[VUSER_A_AREA_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[VUSER_A_AREA_FILE_OFFSET] = { .type = NLA_U64, },
};

const struct nla_policy vuser_ioeventfd_nl_policy[VUSER_A_IOEVENTFD_FD + 1] = {
	[VUSER_A_IOEVENTFD_REGION] = { .type = NLA_U32, },
	[VUSER_A_IOEVENTFD_OFFSET] = { .type = NLA_U64, },
	[VUSER_A_IOEVENTFD_SIZE] = { .type = NLA_U32, },
	[VUSER_A_IOEVENTFD_FLAGS] = { .type = NLA_U32, },
	[VUSER_A_IOEVENTFD_DATAMATCH] = { .type = NLA_U64, },
	[VUSER_A_IOEVENTFD_FD] = NLA_POLICY_MIN(NLA_S32, 0),
};

const struct nla_policy vuser_irq_nl_policy[VUSER_A_IRQ_FD + 1] = {
	[VUSER_A_IRQ_INDEX] = { .type = NLA_U32, },
	[VUSER_A_IRQ_FLAGS] = { .type = NLA_U32, },
	[VUSER_A_IRQ_COUNT] = { .type = NLA_U32, },
	[VUSER_A_IRQ_FD] = { .type = NLA_S32, },
};

const struct nla_policy vuser_region_nl_policy[VUSER_A_REGION_PAD + 1] = {
	[VUSER_A_REGION_INDEX] = { .type = NLA_U32, },
	[VUSER_A_REGION_SIZE] = { .type = NLA_U64, },
	[VUSER_A_REGION_FLAGS] = { .type = NLA_U32, },
	[VUSER_A_REGION_TYPE] = { .type = NLA_U32, },
	[VUSER_A_REGION_SUBTYPE] = { .type = NLA_U32, },
	[VUSER_A_REGION_POSTED] = { .type = NLA_FLAG, },
	[VUSER_A_REGION_AREA] = NLA_POLICY_NESTED(vuser_area_nl_policy),
};

/* VUSER_CMD_DEV_GET - do */
const struct nla_policy vuser_dev_get_nl_policy[VUSER_A_DEV_UUID + 1] = {
	[VUSER_A_DEV_ID] = { .type = NLA_U32, },
	[VUSER_A_DEV_UUID] = NLA_POLICY_EXACT_LEN(VUSER_UUID_LEN),
};

/* VUSER_CMD_DEV_SET - do */
const struct nla_policy vuser_dev_set_nl_policy[VUSER_A_DEV_STATE_KEPT + 1] = {
	[VUSER_A_DEV_ID] = { .type = NLA_U32, },
	[VUSER_A_DEV_UUID] = NLA_POLICY_EXACT_LEN(VUSER_UUID_LEN),
	[VUSER_A_DEV_PCI_ADDRESS] = { .type = NLA_NUL_STRING, .len = 15, },
	[VUSER_A_DEV_ENDPOINT] = { .type = NLA_NUL_STRING, .len = VUSER_ENDPOINT_MAX, },
	[VUSER_A_DEV_REQUEST_TIMEOUT_MS] = { .type = NLA_U32, },
	[VUSER_A_DEV_CLOSE_TIMEOUT_MS] = { .type = NLA_U32, },
	[VUSER_A_DEV_MMAP] = NLA_POLICY_MAX(NLA_U32, 2),
	[VUSER_A_DEV_MAX_DMA_MAPS] = { .type = NLA_U32, },
	[VUSER_A_DEV_RESET] = NLA_POLICY_MAX(NLA_U32, 1),
	[VUSER_A_DEV_PCI_SETUP] = NLA_POLICY_MAX(NLA_U32, 1),
	[VUSER_A_DEV_DMA_BACKING] = NLA_POLICY_MAX(NLA_U32, 2),
	[VUSER_A_DEV_DMA_HOLES] = NLA_POLICY_MAX(NLA_U32, 1),
	[VUSER_A_DEV_SERVER_USER] = { .type = NLA_U32, },
	[VUSER_A_DEV_ON_LOSS] = NLA_POLICY_MAX(NLA_U32, 2),
	[VUSER_A_DEV_RECONNECT_TIMEOUT_MS] = { .type = NLA_U32, },
	[VUSER_A_DEV_STATE_KEPT] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* VUSER_CMD_DEV_CLAIM - do */
const struct nla_policy vuser_dev_claim_nl_policy[VUSER_A_DEV_ID + 1] = {
	[VUSER_A_DEV_ID] = { .type = NLA_U32, },
};

/* VUSER_CMD_DEV_ATTACH - do */
const struct nla_policy vuser_dev_attach_nl_policy[VUSER_A_DEV_REPLACE + 1] = {
	[VUSER_A_DEV_ID] = { .type = NLA_U32, },
	[VUSER_A_DEV_TOKEN] = { .type = NLA_U64, },
	[VUSER_A_DEV_REPLACE] = { .type = NLA_FLAG, },
	[VUSER_A_DEV_SOCKET_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[VUSER_A_DEV_TWIN_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[VUSER_A_DEV_MINOR] = { .type = NLA_U32, },
	[VUSER_A_DEV_MAX_MSG_FDS] = { .type = NLA_U32, },
	[VUSER_A_DEV_MAX_DATA_XFER_SIZE] = { .type = NLA_U32, },
	[VUSER_A_DEV_SERVER_MAX_DMA_MAPS] = { .type = NLA_U32, },
	[VUSER_A_DEV_FLAGS] = { .type = NLA_U32, },
	[VUSER_A_DEV_REGION] = NLA_POLICY_NESTED(vuser_region_nl_policy),
	[VUSER_A_DEV_IOEVENTFD] = NLA_POLICY_NESTED(vuser_ioeventfd_nl_policy),
	[VUSER_A_DEV_IRQ] = NLA_POLICY_NESTED(vuser_irq_nl_policy),
	[VUSER_A_DEV_CONFIG] = { .type = NLA_BINARY, },
};

/* VUSER_CMD_DEV_DETACH - do */
const struct nla_policy vuser_dev_detach_nl_policy[VUSER_A_DEV_REPLACE + 1] = {
	[VUSER_A_DEV_ID] = { .type = NLA_U32, },
	[VUSER_A_DEV_ERROR] = { .type = NLA_NUL_STRING, .len = VUSER_ERROR_MAX, },
	[VUSER_A_DEV_TOKEN] = { .type = NLA_U64, },
	[VUSER_A_DEV_REPLACE] = { .type = NLA_FLAG, },
};

/* VUSER_CMD_FDMSG_GET - do */
const struct nla_policy vuser_fdmsg_get_nl_policy[VUSER_A_FDMSG_ID + 1] = {
	[VUSER_A_FDMSG_DEV] = { .type = NLA_U32, },
	[VUSER_A_FDMSG_ID] = { .type = NLA_U64, },
};

/* VUSER_CMD_FDMSG_SEND - do */
const struct nla_policy vuser_fdmsg_send_nl_policy[VUSER_A_FDMSG_NULL_FD + 1] = {
	[VUSER_A_FDMSG_DEV] = { .type = NLA_U32, },
	[VUSER_A_FDMSG_ID] = { .type = NLA_U64, },
	[VUSER_A_FDMSG_TOKEN] = { .type = NLA_U64, },
	[VUSER_A_FDMSG_NULL_FD] = NLA_POLICY_MIN(NLA_S32, 0),
};

/* VUSER_CMD_FDMSG_DONE - do */
const struct nla_policy vuser_fdmsg_done_nl_policy[VUSER_A_FDMSG_STATUS + 1] = {
	[VUSER_A_FDMSG_DEV] = { .type = NLA_U32, },
	[VUSER_A_FDMSG_ID] = { .type = NLA_U64, },
	[VUSER_A_FDMSG_TOKEN] = { .type = NLA_U64, },
	[VUSER_A_FDMSG_STATUS] = NLA_POLICY_RANGE(NLA_U32, 1, 4095),
};

/* VUSER_CMD_DEV_REPLACE - do */
const struct nla_policy vuser_dev_replace_nl_policy[VUSER_A_DEV_NO_STATE + 1] = {
	[VUSER_A_DEV_ID] = { .type = NLA_U32, },
	[VUSER_A_DEV_UUID] = NLA_POLICY_EXACT_LEN(VUSER_UUID_LEN),
	[VUSER_A_DEV_REPLACEMENT] = { .type = NLA_NUL_STRING, .len = VUSER_ENDPOINT_MAX, },
	[VUSER_A_DEV_NO_STATE] = { .type = NLA_FLAG, },
};

/* Ops table for vuser */
const struct genl_ops vuser_nl_ops[9] = {
	{
		.cmd		= VUSER_CMD_DEV_GET,
		.doit		= vuser_nl_dev_get_doit,
		.dumpit		= vuser_nl_dev_get_dumpit,
		.policy		= vuser_dev_get_nl_policy,
		.maxattr	= VUSER_A_DEV_UUID,
	},
	{
		.cmd		= VUSER_CMD_DEV_SET,
		.doit		= vuser_nl_dev_set_doit,
		.policy		= vuser_dev_set_nl_policy,
		.maxattr	= VUSER_A_DEV_STATE_KEPT,
	},
	{
		.cmd		= VUSER_CMD_DEV_CLAIM,
		.doit		= vuser_nl_dev_claim_doit,
		.policy		= vuser_dev_claim_nl_policy,
		.maxattr	= VUSER_A_DEV_ID,
	},
	{
		.cmd		= VUSER_CMD_DEV_ATTACH,
		.doit		= vuser_nl_dev_attach_doit,
		.policy		= vuser_dev_attach_nl_policy,
		.maxattr	= VUSER_A_DEV_REPLACE,
	},
	{
		.cmd		= VUSER_CMD_DEV_DETACH,
		.doit		= vuser_nl_dev_detach_doit,
		.policy		= vuser_dev_detach_nl_policy,
		.maxattr	= VUSER_A_DEV_REPLACE,
	},
	{
		.cmd		= VUSER_CMD_FDMSG_GET,
		.doit		= vuser_nl_fdmsg_get_doit,
		.dumpit		= vuser_nl_fdmsg_get_dumpit,
		.policy		= vuser_fdmsg_get_nl_policy,
		.maxattr	= VUSER_A_FDMSG_ID,
	},
	{
		.cmd		= VUSER_CMD_FDMSG_SEND,
		.doit		= vuser_nl_fdmsg_send_doit,
		.policy		= vuser_fdmsg_send_nl_policy,
		.maxattr	= VUSER_A_FDMSG_NULL_FD,
	},
	{
		.cmd		= VUSER_CMD_FDMSG_DONE,
		.doit		= vuser_nl_fdmsg_done_doit,
		.policy		= vuser_fdmsg_done_nl_policy,
		.maxattr	= VUSER_A_FDMSG_STATUS,
	},
	{
		.cmd		= VUSER_CMD_DEV_REPLACE,
		.doit		= vuser_nl_dev_replace_doit,
		.policy		= vuser_dev_replace_nl_policy,
		.maxattr	= VUSER_A_DEV_NO_STATE,
	},
};
