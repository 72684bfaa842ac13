// SPDX-License-Identifier: GPL-2.0
/*
 * Controls a server: right and wrong replies, DMA, and its end.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "random.h"

static const char *const commands[] = {
	"read",	     "write", "reset",	  "set-irqs",	 "dma-map",
	"dma-unmap", "info",  "irq-info", "region-info", "version",
};

static const char *const kinds[] = {
	"id",	"command", "type",  "long", "short", "huge",
	"tiny", "count",   "twice", "half", "cut",   "fd",
};

#define PICK(dice, list) ((list)[pick(dice, sizeof(list) / sizeof((list)[0]))])

/* Sends a header with random values, and sometimes a payload. */
static void send_raw(struct dice *dice, struct testdev *td)
{
	const uint32_t len = 4 * pick(dice, 12);
	uint16_t head[2] = { roll(dice), pick(dice, 22) };
	uint32_t words[3] = { 16 + len, pick(dice, 4), 0 };
	char hex[256];
	unsigned int i, at = 0;
	uint8_t bytes[16];

	if (once_in(dice, 3))
		words[pick(dice, 3)] = odd_number(dice);
	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + sizeof(head), words, sizeof(words));
	for (i = 0; i < sizeof(bytes); i++)
		at += sprintf(hex + at, "%02x", bytes[i]);
	for (i = 0; i < len; i++)
		at += sprintf(hex + at, "%02x",
			      once_in(dice, 3) ? pick(dice, 256) : 0);
	testdev_cmd(td, "raw %s", hex);
}

static void access_memory(struct dice *dice, struct testdev *td)
{
	uint64_t iova = pick(dice, 64 * PAGE);
	uint32_t len = once_in(dice, 8) ? pick(dice, 3 * PAGE) :
					  1 + pick(dice, 64);

	if (once_in(dice, 10))
		iova = odd_number(dice);
	switch (pick(dice, 4)) {
	case 0:
		testdev_cmd(td, "dma-sum 0x%lx %u", iova, len);
		break;
	case 1:
		testdev_cmd(td, "dma-fill 0x%lx %u 0x5a", iova, len);
		break;
	case 2:
		testdev_cmd(td, "dma-copy 0x%lx 0x%lx %u", iova,
			    (uint64_t)pick(dice, 64 * PAGE), len);
		break;
	default:
		testdev_cmd(td, "dma-write 0x%lx 0102030405060708", iova);
	}
}

static void send_command(struct dice *dice, struct testdev *td)
{
	did(DID_COMMAND);
	/* These usually end the connection, so they must be rare. */
	if (once_in(dice, 100)) {
		if (pick(dice, 2))
			testdev_cmd(td, "corrupt %s %s", PICK(dice, commands),
				    PICK(dice, kinds));
		else
			send_raw(dice, td);
		return;
	}
	switch (pick(dice, 32)) {
	case 2 ... 4:
		testdev_cmd(td, "fail %s %u %u", PICK(dice, commands),
			    1 + pick(dice, 40), 1 + pick(dice, 4));
		break;
	case 5 ... 6:
		testdev_cmd(td, "hold %s", PICK(dice, commands));
		doze(dice, 20);
		testdev_cmd(td, "release");
		testdev_cmd(td, "restore");
		break;
	case 7:
		testdev_cmd(td, "onmap %u", pick(dice, 2));
		break;
	case 8:
		testdev_cmd(td, "onread 0x%lx", pick(dice, 64) * PAGE);
		break;
	case 9:
		testdev_cmd(td, "strip-fds %u", pick(dice, 2));
		break;
	case 10 ... 14:
		testdev_cmd(td, "irq %u %u", pick(dice, 4), pick(dice, 8));
		break;
	default:
		access_memory(dice, td);
	}
}

static int start(struct dice *dice, struct testdev *td)
{
	static const char *const options[][3] = {
		{ NULL },
		{ "--no-twin", NULL },
		{ "--dma-limit=4", NULL },
		{ "--max-msg-fds=1", "--max-data-xfer-size=64", NULL },
		{ "--no-reset", "--minor=0", NULL },
		{ "--areas=hugetlb", NULL },
		{ "--areas=read-only", NULL },
	};
	int ret = testdev_serve(td, PICK(dice, options));

	if (ret)
		testdev_kill(td);
	return ret;
}

static void stop(struct dice *dice, struct testdev *td)
{
	kill(td->pid, SIGSTOP);
	doze(dice, 2000);
	kill(td->pid, SIGCONT);
	did(DID_STOP);
}

void server_run(struct dice *dice, unsigned int device)
{
	struct testdev td = {};

	strcpy(td.uuid, world->uuid[device]);
	strcpy(td.socket, world->socket[device]);
	while (!world->stop) {
		if (!td.pid && start(dice, &td)) {
			doze(dice, 100);
			continue;
		}
		send_command(dice, &td);
		if (once_in(dice, 100))
			stop(dice, &td);
		if (once_in(dice, 150)) {
			testdev_kill(&td);
			did(DID_RESTART);
		}
		doze(dice, 10);
	}
	testdev_kill(&td);
}
