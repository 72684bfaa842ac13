/* SPDX-License-Identifier: GPL-2.0 */
/* A server that describes its device well, or sends one bad reply. */
#ifndef TEST_LIAR_H
#define TEST_LIAR_H

#include <stdbool.h>
#include <stdint.h>

#include <vuser/client.h>

/* A bad reply, and the command and index that it answers. */
struct lie {
	uint16_t command;
	uint32_t index;
	uint16_t id_off;
	uint16_t command_off;
	uint32_t flags;
	uint32_t error;
	const void *payload;
	size_t len;
	int fds[4];
	uint32_t nr_fds;
	bool hang_up;
	bool exact_flags; /* send @flags without the type of a reply */
};

/* A server with 9 regions, of which 0 and 2 exist, and 5 interrupt types. */
struct liar {
	int fd;
	int memory;
	int event;
	const char *json;
	uint16_t minor;
	struct vfio_user_region_info region2;
	const struct vuser_region_caps *caps;
	const struct vfio_user_io_fd *io_fds;
	uint32_t nr_io_fds;
	const struct lie *lie;
	unsigned int io_fds_asked;
	unsigned int nr_commands;
};

/* Set up a server that sends good replies. */
void liar_init(struct liar *server);

/* Free what liar_init() has made. */
void liar_fini(struct liar *server);

/* Answer one command.  Return false if the client has hung up. */
bool liar_answer(struct liar *server);

/* The text of the last error of liar_run(). */
extern char liar_error[256];

/* Run a handshake to its end; the caller frees the description. */
int liar_run(struct liar *server, const struct vuser_client_options *opt,
	     struct vuser_description **desc);

/* Return the result of a handshake with a server that sends @lie. */
int liar_result(const struct lie *lie);

#endif /* TEST_LIAR_H */
