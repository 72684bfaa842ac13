// SPDX-License-Identifier: GPL-2.0
/*
 * A privileged caller of the control plane that makes mistakes: it calls any
 * operation on any device, with attributes left out, doubled, or of any value
 * and size.  When it closes its socket, the devices that it claimed have no
 * owner.
 */
#include <fcntl.h>
#include <linux/vuser.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/control.h"
#include "../lib/nlop.h"
#include "random.h"

/* One of WRONG attributes is wrong. */
#define WRONG 12

static bool put_wrong(struct nlop_put *put, const struct nlop_attr *attr)
{
	struct dice *dice = put->data;
	uint64_t words[32];
	unsigned int i;

	/*
	 * Rarely change the endpoint; otherwise consumers could not use the
	 * device.
	 */
	if (attr->type == VUSER_A_DEV_ENDPOINT && attr->kind == K_TEXT)
		return !once_in(dice, 32);
	if (!once_in(dice, WRONG))
		return false;
	switch (pick(dice, 4)) {
	case 0:
		return true;
	case 1:
		nlop_put(put, attr);
		return false;
	case 2:
		words[0] = odd_number(dice);
		/* Not a device that another test uses. */
		if (attr->source == FROM_ID)
			words[0] |= 1 << 16;
		nlt_put(put->msg, attr->type, words, nlop_size(attr->kind));
		return true;
	default:
		for (i = 0; i < 32; i++)
			words[i] = odd_number(dice);
		words[0] |= attr->source == FROM_ID ? 1 << 16 : 0;
		nlt_put(put->msg, attr->type | (attr->nest ? NLA_F_NESTED : 0),
			words, pick(dice, sizeof(words)));
		return true;
	}
}

/* Chooses a device, and takes valid values for it. */
static void choose_device(struct dice *dice, struct nlt *nl,
			  struct nlop_env *env)
{
	const char *uuid = world->uuid[pick(dice, NR_DEVICES)];
	struct control_info info = {};

	control_uuid_bytes(uuid, env->uuid);
	control_get_by_uuid(nl, uuid, &info);
	env->id = info.id;
	if (once_in(dice, 8))
		control_claim(nl, env->id, &env->token);
}

static void call_some(struct dice *dice, struct nlt *nl, struct nlop_env *env)
{
	struct nlop_put put = { .env = env, .hook = put_wrong, .data = dice };
	int i;

	choose_device(dice, nl, env);
	for (i = pick(dice, 8); i && !world->stop; i--) {
		nlt_call(nl, nlop_compose(&put, &nlops[pick(dice, NR_NLOPS)]),
			 NULL, NULL);
		did(DID_NETLINK);
	}
}

void netlink_run(struct dice *dice, unsigned int device)
{
	struct nlop_env env = {};
	int sock[2], twin[2];
	struct nlt nl;

	(void)device;
	env.memfd = memfd_create("netlink", MFD_CLOEXEC);
	env.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ftruncate(env.memfd, 2 * PAGE))
		return;
	while (!world->stop) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) ||
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, twin))
			return;
		env.sock = sock[0];
		env.twin = twin[0];
		if (!nlt_open(&nl)) {
			call_some(dice, &nl, &env);
			nlt_close(&nl);
		}
		close(sock[0]);
		close(sock[1]);
		close(twin[0]);
		close(twin[1]);
		doze(dice, 500);
	}
}
