// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "replace.h"

static struct nlt_msg *message(uint8_t command, const char *uuid)
{
	struct nlt_msg *msg = nlt_new(command, 0);
	uint8_t bytes[16];

	control_uuid_bytes(uuid, bytes);
	nlt_put(msg, VUSER_A_DEV_UUID, bytes, sizeof(bytes));
	return msg;
}

int replace_ask(struct nlt *nl, const char *uuid, const char *path,
		bool no_state)
{
	struct nlt_msg *msg = message(VUSER_CMD_DEV_REPLACE, uuid);

	nlt_put_string(msg, VUSER_A_DEV_REPLACEMENT, path);
	if (no_state)
		nlt_put(msg, VUSER_A_DEV_NO_STATE, NULL, 0);
	return nlt_call(nl, msg, NULL, NULL);
}

static void take_result(void *data, const struct nlt_reply *reply)
{
	struct replace_result *result = data;

	result->state = nlt_u32(reply->attrs[VUSER_A_DEV_REPLACING]);
	if (reply->attrs[VUSER_A_DEV_REPLACE_PAUSE_US])
		result->pause_us =
			nlt_u64(reply->attrs[VUSER_A_DEV_REPLACE_PAUSE_US]);
	snprintf(result->error, sizeof(result->error), "%s",
		 nlt_string(reply->attrs[VUSER_A_DEV_REPLACE_ERROR]));
	snprintf(result->endpoint, sizeof(result->endpoint), "%s",
		 nlt_string(reply->attrs[VUSER_A_DEV_ENDPOINT]));
}

int replace_wait(struct nlt *nl, const char *uuid, int ms,
		 struct replace_result *result)
{
	long long deadline = clock_ms() + ms;
	int ret;

	do {
		memset(result, 0, sizeof(*result));
		ret = nlt_call(nl, message(VUSER_CMD_DEV_GET, uuid),
			       take_result, result);
		if (ret || result->state != VUSER_REPLACING_PENDING)
			return ret;
		usleep(10000);
	} while (clock_ms() < deadline);
	return -ETIMEDOUT;
}
