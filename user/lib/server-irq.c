// SPDX-License-Identifier: BSD-3-Clause
/* Interrupts: the eventfds of SET_IRQS, masks, and firing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "../libbase/fd.h"
#include "server-irq.h"

int vuser_server_set_irqs(struct vuser_server *server, uint32_t index,
			  uint32_t flags, uint32_t count)
{
	struct vu_irq_index *irq;
	struct vu_irq *irqs;
	uint32_t i;

	if (index >= VUSER_MAX_IRQ_INDEXES || count > VUSER_MAX_IRQS)
		return -EINVAL;
	irqs = calloc(count ?: 1, sizeof(*irqs));
	if (!irqs)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		irqs[i].fd = -1;
	irq = &server->irqs[index];
	free(irq->irqs);
	irq->irqs = irqs;
	irq->flags = flags;
	irq->count = count;
	if (index >= server->nr_irqs)
		server->nr_irqs = index + 1;
	return 0;
}

ssize_t vu_server_irq_info(struct vuser_server *server, struct vuser_msg *msg)
{
	struct vfio_user_irq_info info;
	int ret = vuser_decode_irq_info(msg->payload, msg->len, &info);

	if (ret)
		return ret;
	if (info.index >= server->nr_irqs)
		return -EINVAL;
	return vuser_encode_irq_info(server->reply, server->reply_size,
				     info.index, server->irqs[info.index].flags,
				     server->irqs[info.index].count);
}

/* An eventfd can be read and written. */
static void set_fd(struct vu_irq_index *index, struct vu_irq *irq, int fd)
{
	if (irq->fd >= 0)
		index->nr_fds--;
	if (fd >= 0)
		index->nr_fds++;
	vu_fd_close(irq->fd);
	irq->fd = fd;
	irq->plain = fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
}

static void disable(struct vu_irq_index *index)
{
	uint32_t i;

	for (i = 0; i < index->count; i++) {
		set_fd(index, &index->irqs[i], -1);
		index->irqs[i].masked = false;
		index->irqs[i].pending = false;
	}
}

static int fire(struct vuser_server *server, const struct vu_irq_index *index,
		struct vu_irq *irq)
{
	if (irq->fd < 0)
		return -ENOENT;
	if (irq->masked) {
		irq->pending = true;
		return 0;
	}
	irq->pending = false;
	irq->masked = index->flags & VFIO_IRQ_INFO_AUTOMASKED;
	if (irq->plain)
		vu_event_write(irq->fd);
	else
		vu_event_signal(&server->events, irq->fd);
	return 0;
}

static void unmask(struct vuser_server *server,
		   const struct vu_irq_index *index, struct vu_irq *irq)
{
	irq->masked = false;
	if (irq->pending)
		fire(server, index, irq);
}

/* Apply SET_IRQS with NONE or BOOL data to one interrupt. */
static void act(struct vuser_server *server, const struct vu_irq_index *index,
		struct vu_irq *irq, uint32_t action)
{
	if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
		fire(server, index, irq);
	else if (action == VFIO_IRQ_SET_ACTION_UNMASK)
		unmask(server, index, irq);
	else
		irq->masked = true;
}

static int check(const struct vu_irq_index *index,
		 const struct vfio_user_irq_set *set)
{
	if (set->start > index->count ||
	    set->count > index->count - set->start || !index->count)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_ACTION_TRIGGER)
		return 0;
	if (!set->count || !(index->flags & VFIO_IRQ_INFO_MASKABLE))
		return -EINVAL;
	/*
	 * In the specification the server signals these eventfds, in VFIO the
	 * client does. No client depends on them.
	 */
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTSUP;
	return 0;
}

/* A write to another file could wait for any time. */
static bool are_irqs(const struct vuser_msg *msg)
{
	uint32_t i;

	for (i = 0; i < msg->nr_fds; i++)
		if (!vu_fd_may_be_irq(msg->fds[i]))
			return false;
	return true;
}

static void apply(struct vuser_server *server, struct vu_irq_index *index,
		  const struct vfio_user_irq_set *set, const uint8_t *bools,
		  struct vuser_msg *msg)
{
	uint32_t action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	struct vu_irq *irq;
	uint32_t i;

	if (!set->count)
		disable(index);
	for (i = 0; i < set->count; i++) {
		irq = &index->irqs[set->start + i];
		if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
			set_fd(index, irq,
			       msg->nr_fds ? vuser_msg_take_fd(msg, i) : -1);
		else if (!bools || bools[i])
			act(server, index, irq, action);
	}
}

ssize_t vu_server_irq_set(struct vuser_server *server, struct vuser_msg *msg)
{
	struct vfio_user_irq_set set;
	struct vu_irq_index *index;
	const uint8_t *bools;
	int ret;

	ret = vuser_decode_irq_set(msg->payload, msg->len, msg->nr_fds, &set,
				   &bools);
	if (ret)
		return ret;
	if (set.index >= server->nr_irqs)
		return -EINVAL;
	index = &server->irqs[set.index];
	ret = check(index, &set);
	if (!ret && !are_irqs(msg))
		ret = -EINVAL;
	if (ret)
		return ret;
	pthread_mutex_lock(&server->irq_lock);
	apply(server, index, &set, bools, msg);
	pthread_mutex_unlock(&server->irq_lock);
	if (server->ops.irq_state)
		server->ops.irq_state(server->data, set.index, set.start,
				      set.count ?: index->count);
	return 0;
}

void vu_server_irq_clear(struct vuser_server *server)
{
	uint32_t i;

	pthread_mutex_lock(&server->irq_lock);
	for (i = 0; i < server->nr_irqs; i++)
		disable(&server->irqs[i]);
	pthread_mutex_unlock(&server->irq_lock);
}

void vu_server_irq_free(struct vuser_server *server)
{
	uint32_t i;

	for (i = 0; i < VUSER_MAX_IRQ_INDEXES; i++)
		free(server->irqs[i].irqs);
}

/* The interrupt, which is never freed before the server; or NULL. */
static struct vu_irq *find_irq(struct vuser_server *server, uint32_t index,
			       uint32_t subindex)
{
	if (index >= VUSER_MAX_IRQ_INDEXES ||
	    subindex >= server->irqs[index].count)
		return NULL;
	return &server->irqs[index].irqs[subindex];
}

int vuser_irq_trigger(struct vuser_server *server, uint32_t index,
		      uint32_t subindex)
{
	struct vu_irq *irq = find_irq(server, index, subindex);
	int ret;

	if (!irq)
		return -EINVAL;
	pthread_mutex_lock(&server->irq_lock);
	ret = fire(server, &server->irqs[index], irq);
	pthread_mutex_unlock(&server->irq_lock);
	return ret;
}

/* The interrupt type that the client has enabled. irq_lock is held. */
static struct vu_irq_index *find_enabled(struct vuser_server *server)
{
	static const uint32_t order[] = { VFIO_PCI_MSIX_IRQ_INDEX,
					  VFIO_PCI_MSI_IRQ_INDEX,
					  VFIO_PCI_INTX_IRQ_INDEX };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (server->irqs[order[i]].nr_fds)
			return &server->irqs[order[i]];
	return NULL;
}

int vuser_irq_fire(struct vuser_server *server, uint32_t vector)
{
	struct vu_irq_index *index;
	int ret = -ENOENT;

	pthread_mutex_lock(&server->irq_lock);
	index = find_enabled(server);
	/* A driver may enable fewer vectors of MSI than there are: they are shared. */
	if (index && index != &server->irqs[VFIO_PCI_MSIX_IRQ_INDEX])
		vector %= index->nr_fds;
	if (index)
		ret = vector < index->count ?
			      fire(server, index, &index->irqs[vector]) :
			      -EINVAL;
	pthread_mutex_unlock(&server->irq_lock);
	return ret;
}

bool vuser_irq_enabled(struct vuser_server *server, uint32_t index,
		       uint32_t subindex)
{
	struct vu_irq *irq = find_irq(server, index, subindex);
	bool enabled;

	if (!irq)
		return false;
	pthread_mutex_lock(&server->irq_lock);
	enabled = irq->fd >= 0;
	pthread_mutex_unlock(&server->irq_lock);
	return enabled;
}

int vuser_irq_eventfd(struct vuser_server *server, uint32_t index,
		      uint32_t subindex)
{
	struct vu_irq *irq = find_irq(server, index, subindex);

	if (!irq)
		return -EINVAL;
	/* No lock: only this thread changes the eventfd. */
	return irq->fd < 0 ? -ENOENT : irq->fd;
}

void vuser_irq_clear(struct vuser_server *server, uint32_t index,
		     uint32_t subindex)
{
	struct vu_irq *irq = find_irq(server, index, subindex);

	if (!irq)
		return;
	pthread_mutex_lock(&server->irq_lock);
	irq->pending = false;
	pthread_mutex_unlock(&server->irq_lock);
}
