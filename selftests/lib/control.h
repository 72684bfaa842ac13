/* SPDX-License-Identifier: GPL-2.0 */
/* The control plane as a test speaks it, in place of a helper. */
#ifndef SELFTESTS_CONTROL_H
#define SELFTESTS_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "../../include/uapi/linux/vuser.h"
#include "nlt.h"
#include "sysfs.h"
#include "testdev.h"

/* What dev-get says of one device. */
struct seen {
	int count;
	uint32_t id;
	uint32_t state;
	uint32_t owner;
	char endpoint[128];
	char error[300];
	bool token;
	bool whole;
	uint64_t unsent;
};

/* The bytes of a UUID, as the attribute has them. */
void uuid_bytes(const char *uuid, uint8_t bytes[16]);

/* dev-get by either name; 0 or -errno. */
int dev_get_uuid(struct nlt *nl, const char *uuid, struct seen *seen);
int dev_get(struct nlt *nl, uint32_t id, struct seen *seen);

int claim(struct nlt *nl, uint32_t id, uint64_t *token);
/* @error may be NULL. */
int detach(struct nlt *nl, uint32_t id, uint64_t token, const char *error);

/* A request to attach that is all right but for its regions. */
struct nlt_msg *attach_new(uint32_t id, uint64_t token, int sock);
/* A region that can be read and written. */
void put_region(struct nlt_msg *msg, uint32_t index, uint64_t size);
/* All regions of a PCI device but for BAR 0. */
void put_regions(struct nlt_msg *msg);
/* With BAR 0, and 0 or -errno. */
int attach(struct nlt *nl, uint32_t id, uint64_t token, int sock);

/* Has the other end no more references?  It may soon have. */
bool hung_up(int fd);

/* Returns when the kernel has read all that was sent by our end; 0 or -errno. */
int wait_taken(int sock);

/* A device without an owner, and a socket for it. */
struct control {
	struct nlt nl;
	char uuid[UUID_LEN + 1];
	uint32_t id;
	uint64_t token;
	int sock[2];
};

int control_start(struct control *c);
int control_stop(struct control *c);

/* For test programs; the harness is theirs to include. */
#define CONTROL_FIXTURE                                \
	FIXTURE(control)                               \
	{                                              \
		struct control c;                      \
	};                                             \
                                                       \
	FIXTURE_SETUP(control)                         \
	{                                              \
		ASSERT_EQ(0, control_start(&self->c)); \
	}                                              \
                                                       \
	FIXTURE_TEARDOWN(control)                      \
	{                                              \
		EXPECT_EQ(0, control_stop(&self->c));  \
	}

#endif /* SELFTESTS_CONTROL_H */
