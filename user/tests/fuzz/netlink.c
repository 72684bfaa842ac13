// SPDX-License-Identifier: GPL-2.0
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "netlink.h"

/*
 * The head of a datagram: its length in 11 bits, and flags above.  A raw
 * datagram is sent unchanged.  Otherwise it is one message, with a valid
 * header.
 */
#define LEN_MASK 0x07ff
#define IS_EVENT 0x0800 /* unsolicited */
#define IS_ACK	 0x1000 /* the end of a reply */
#define IS_RAW	 0x2000
#define IS_USER	 0x4000 /* not from the kernel */
#define IS_LOST	 0x8000 /* no datagram: the socket's buffer overflowed */

static struct fuzz_in input;
static bool always_ack;
static bool asked;
static uint32_t seq;

void netlink_open(struct vnl_sock *nl, const uint8_t *data, size_t size)
{
	memset(nl, 0, sizeof(*nl));
	nl->sk = nl_socket_alloc();
	FUZZ_CHECK(nl->sk);
	nl->family = NETLINK_FAMILY;
	netlink_feed(data, size);
	always_ack = !data;
}

void netlink_feed(const uint8_t *data, size_t size)
{
	input = (struct fuzz_in) { data, size };
	always_ack = false;
	asked = false;
}

size_t netlink_left(void)
{
	return input.left;
}

/* Check that vuserd's messages are always well formed. */
static void check_request(struct nlmsghdr *hdr)
{
	struct nlattr *attr;
	int rem;

	FUZZ_CHECK(genlmsg_valid_hdr(hdr, 0));
	attr = genlmsg_attrdata(genlmsg_hdr(hdr), 0);
	rem = genlmsg_attrlen(genlmsg_hdr(hdr), 0);
	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem))
		FUZZ_CHECK(nla_type(attr) && nla_type(attr) <= VUSER_A_DEV_MAX);
	FUZZ_CHECK(!rem);
}

/* Replaces libnl's function, which does not check the length. */
uint32_t nla_get_u32(const struct nlattr *attr)
{
	uint32_t val;

	FUZZ_CHECK(nla_len(attr) >= (int)sizeof(val));
	memcpy(&val, nla_data(attr), sizeof(val));
	return val;
}

/* Replaces libnl's function. */
int nl_send_auto(struct nl_sock *sk, struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	(void)sk;
	check_request(hdr);
	seq = hdr->nlmsg_seq;
	asked = true;
	return hdr->nlmsg_len;
}

static int give(unsigned char **buf, const void *data, size_t len)
{
	*buf = fuzz_copy(data, len);
	return len;
}

static int give_ack(unsigned char **buf, int error)
{
	struct {
		struct nlmsghdr hdr;
		struct nlmsgerr err;
	} ack = {
		.hdr = {
			.nlmsg_len = sizeof(ack),
			.nlmsg_type = NLMSG_ERROR,
			.nlmsg_flags = NLM_F_CAPPED,
			.nlmsg_seq = seq,
		},
		.err.error = error,
	};

	asked = false;
	return give(buf, &ack, sizeof(ack));
}

/* Return the next datagram as one message with a valid header. */
static int give_message(unsigned char **buf, uint16_t head, size_t len,
			const uint8_t *data)
{
	union {
		struct nlmsghdr hdr;
		uint8_t bytes[sizeof(struct nlmsghdr) + LEN_MASK];
	} msg = { 0 };

	msg.hdr.nlmsg_len = sizeof(msg.hdr) + len;
	msg.hdr.nlmsg_type = head & IS_ACK ? NLMSG_ERROR : NETLINK_FAMILY;
	msg.hdr.nlmsg_seq = head & IS_EVENT ? 0 : seq;
	if (head & IS_ACK)
		msg.hdr.nlmsg_flags = NLM_F_ACK_TLVS;
	memcpy(msg.bytes + sizeof(msg.hdr), data, len);
	return give(buf, &msg, msg.hdr.nlmsg_len);
}

int nl_recv(struct nl_sock *sk, struct sockaddr_nl *from, unsigned char **buf,
	    struct ucred **creds)
{
	const uint8_t *data;
	uint16_t head;
	size_t len;

	(void)sk;
	(void)creds;
	memset(from, 0, sizeof(*from));
	if (always_ack && asked)
		return give_ack(buf, 0);
	if (!input.left)
		return -NLE_AGAIN;
	head = fuzz_u16(&input);
	len = head & LEN_MASK;
	data = fuzz_bytes(&input, &len);
	if (head & IS_LOST)
		return -NLE_NOMEM;
	from->nl_pid = head & IS_USER ? 1 : 0;
	if (head & IS_RAW)
		return len ? give(buf, data, len) : -NLE_AGAIN;
	return give_message(buf, head, len, data);
}
