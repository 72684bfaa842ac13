/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts: the eventfds of the client, masks, triggers. */
#ifndef VUSER_SERVER_IRQ_H
#define VUSER_SERVER_IRQ_H

#include "server-state.h"

/* Handlers of commands. Return: the length of server->reply, or -errno. */
ssize_t vu_server_irq_info(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_server_irq_set(struct vuser_server *server, struct vuser_msg *msg);

/* Close the eventfds of all interrupts, unmask all, discard pending ones. */
void vu_server_irq_clear(struct vuser_server *server);
/* Free the arrays of interrupts. */
void vu_server_irq_free(struct vuser_server *server);

#endif /* VUSER_SERVER_IRQ_H */
