// SPDX-License-Identifier: GPL-2.0
/* The memory of a client, without a client. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake-memory.h"

void fake_memory_init(struct fake_memory *m)
{
	memset(m, 0, sizeof(*m));
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->changed, NULL);
}

void fake_memory_fini(struct fake_memory *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		free(m->regions[i].ptr);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
}

uint8_t *fake_memory_add(struct fake_memory *m, uint64_t iova, size_t size,
			 bool direct)
{
	struct fake_region *r = &m->regions[m->nr];

	assert(m->nr < FAKE_REGIONS);
	r->iova = iova;
	r->size = size;
	r->ptr = aligned_alloc(64, (size + 63) & ~63ul);
	r->direct = direct;
	r->readonly = false;
	assert(r->ptr);
	memset(r->ptr, 0xee, size);
	m->nr++;
	return r->ptr;
}

struct fake_region *fake_memory_region(struct fake_memory *m, uint64_t iova)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		if (iova - m->regions[i].iova < m->regions[i].size)
			return &m->regions[i];
	return NULL;
}

void *fake_memory_at(struct fake_memory *m, uint64_t iova)
{
	struct fake_region *r = fake_memory_region(m, iova);

	assert(r);
	return r->ptr + (iova - r->iova);
}

static int fake_get(void *ctx, uint64_t iova, size_t len, enum ioat_dma_dir dir,
		    struct ioat_span *span)
{
	struct fake_memory *m = ctx;
	struct fake_region *r = fake_memory_region(m, iova);
	size_t left;

	assert(len);
	if (!r)
		return -EFAULT;
	if (dir == IOAT_DMA_WRITE && r->readonly)
		return -EACCES;
	left = r->size - (iova - r->iova);
	span->ptr = r->direct ? r->ptr + (iova - r->iova) : NULL;
	span->len = len < left ? len : left;
	span->ref = r;
	pthread_mutex_lock(&m->lock);
	m->held++;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static void fake_put(void *ctx, struct ioat_span *span)
{
	struct fake_memory *m = ctx;

	assert(span->ref);
	pthread_mutex_lock(&m->lock);
	m->held--;
	pthread_mutex_unlock(&m->lock);
}

static void fake_release(void *ctx)
{
	struct fake_memory *m = ctx;

	assert(!m->held);
}

/* Handle a message; its range must be within one region that is not mapped. */
static void *message(struct fake_memory *m, uint64_t iova, size_t len,
		     int *error)
{
	struct fake_region *r = fake_memory_region(m, iova);

	pthread_mutex_lock(&m->lock);
	m->waiting = true;
	pthread_cond_broadcast(&m->changed);
	while (m->block)
		pthread_cond_wait(&m->changed, &m->lock);
	m->waiting = false;
	/* A thread that waits for a reply must block no reference to memory. */
	assert(!m->held);
	*error = m->message_error;
	pthread_mutex_unlock(&m->lock);

	assert(r && !r->direct && iova + len <= r->iova + r->size);
	return r->ptr + (iova - r->iova);
}

static int fake_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	struct fake_memory *m = ctx;
	int error;
	void *p = message(m, iova, len, &error);

	m->reads++;
	if (!error)
		memcpy(buf, p, len);
	return error;
}

static int fake_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	struct fake_memory *m = ctx;
	int error;
	void *p = message(m, iova, len, &error);

	m->writes++;
	if (!error)
		memcpy(p, buf, len);
	return error;
}

struct ioat_dma fake_memory_dma(struct fake_memory *m)
{
	static const struct ioat_dma_ops ops = {
		.get = fake_get,
		.put = fake_put,
		.release = fake_release,
		.read = fake_read,
		.write = fake_write,
	};

	return (struct ioat_dma) { &ops, m };
}

void fake_memory_block(struct fake_memory *m, bool block)
{
	pthread_mutex_lock(&m->lock);
	m->block = block;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void fake_memory_await_message(struct fake_memory *m)
{
	pthread_mutex_lock(&m->lock);
	while (!m->waiting)
		pthread_cond_wait(&m->changed, &m->lock);
	pthread_mutex_unlock(&m->lock);
}
