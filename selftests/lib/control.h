/* SPDX-License-Identifier: GPL-2.0 */
/* Calls of the control plane, for tests that act as the helper. */
#ifndef SELFTESTS_CONTROL_H
#define SELFTESTS_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "../../include/uapi/linux/vuser.h"
#include "nlt.h"
#include "sysfs.h"
#include "testdev.h"

/* What dev-get reports about one device. */
struct control_info {
	int count;
	uint32_t id;
	uint32_t state;
	uint32_t owner;
	char endpoint[VUSER_ENDPOINT_MAX + 1];
	char error[300];
	bool has_token;
	bool described;
	uint64_t unsent;
};

/* Converts a UUID to the bytes that the netlink attribute carries. */
void control_uuid_bytes(const char *uuid, uint8_t bytes[16]);

/* dev-get by UUID or by ID; 0 or -errno. */
int control_get_by_uuid(struct nlt *nl, const char *uuid,
			struct control_info *info);
int control_get(struct nlt *nl, uint32_t id, struct control_info *info);

/* Claims the device @id and returns its token in @token; 0 or -errno. */
int control_claim(struct nlt *nl, uint32_t id, uint64_t *token);
/* Detaches the server; @error is the reason, or NULL.  0 or -errno. */
int control_detach(struct nlt *nl, uint32_t id, uint64_t token,
		   const char *error);

/* A dev-attach message that is complete except for its regions. */
struct nlt_msg *control_attach_new(uint32_t id, uint64_t token, int sock);
/* Adds a region that can be read and written. */
void control_put_region(struct nlt_msg *msg, uint32_t index, uint64_t size);
/* Adds all regions of a PCI device except BAR 0. */
void control_put_regions(struct nlt_msg *msg);
/* Attaches @sock as the server of a device with BAR 0; 0 or -errno. */
int control_attach(struct nlt *nl, uint32_t id, uint64_t token, int sock);

/* Waits up to SOON_MS until the other end is closed; false on timeout. */
bool control_hung_up(int fd);

/* Waits until the kernel has read all sent bytes; 0 or -errno. */
int control_wait_read(int sock);

/* A device without an owner, and a socket pair for it. */
struct control {
	struct nlt nl;
	char uuid[UUID_LEN + 1];
	uint32_t id;
	uint64_t token;
	int sock[2];
};

/* Creates or removes the device; 0 or -errno. */
int control_start(struct control *c);
int control_stop(struct control *c);
/* Claims and attaches the device, with the twin socket @twin; 0 or -errno. */
int control_attach_twin(struct control *c, int twin);

/* For test programs; each includes the harness itself. */
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
