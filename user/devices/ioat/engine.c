// SPDX-License-Identifier: GPL-2.0
/*
 * The engine fetches a descriptor, checks it, copies or fills, and writes the
 * completion. Between two descriptors, its only state is the descriptors that
 * it has read ahead.
 */
#include <errno.h>
#include <string.h>

#include <vuser/guard.h>

#include "engine.h"

/* The bits of CHANERR for failed accesses to one kind of address. */
struct errors {
	uint32_t address;
	uint32_t data;
};

static const struct errors source_errors = {
	.address = IOAT_ERR_SOURCE,
	.data = IOAT_ERR_READ,
};

static const struct errors destination_errors = {
	.address = IOAT_ERR_DESTINATION,
	.data = IOAT_ERR_WRITE,
};

static const struct errors chain_errors = {
	.address = IOAT_ERR_CHAIN,
	.data = IOAT_ERR_READ,
};

static const struct errors next_errors = {
	.address = IOAT_ERR_NEXT,
	.data = IOAT_ERR_READ,
};

static const struct errors completion_errors = {
	.address = IOAT_ERR_COMPLETION,
	.data = IOAT_ERR_WRITE,
};

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool within(const void *p, const void *start, size_t len)
{
	return (uintptr_t)p - (uintptr_t)start < len;
}

static bool wraps(uint64_t iova, size_t len)
{
	return iova + (len - 1) < iova;
}

static int get(struct ioat_engine *e, uint64_t iova, size_t len,
	       enum ioat_dma_dir dir, struct ioat_span *span)
{
	return e->dma.ops->get(e->dma.ctx, iova, len, dir, span);
}

static void put(struct ioat_engine *e, struct ioat_span *span)
{
	e->dma.ops->put(e->dma.ctx, span);
}

static bool stopped(const struct ioat_engine *e)
{
	return atomic_load_explicit(&e->stop, memory_order_relaxed);
}

/*
 * An access has failed. The descriptor is not to blame if the channel is being
 * stopped or if the client is gone.
 */
static int failed(struct ioat_engine *e, int ret, uint32_t error,
		  uint32_t *chanerr)
{
	if (stopped(e) || ret == -ENOTCONN)
		return -ECANCELED;
	*chanerr |= error;
	return -EIO;
}

/*
 * Read memory of the client into a local buffer. No span is in use while a
 * message waits for its reply: the client may wait until the memory is unmapped
 * before it replies.
 */
static int load(struct ioat_engine *e, uint64_t iova, void *buf, size_t len,
		const struct errors *errors, uint32_t *chanerr)
{
	uint8_t *pos = buf;

	while (len) {
		const void *fault = NULL;
		struct ioat_span span;
		bool direct;
		int ret;

		if (stopped(e))
			return -ECANCELED;
		ret = get(e, iova, len, IOAT_DMA_READ, &span);
		if (ret)
			return failed(e, ret, errors->address, chanerr);
		direct = span.ptr;
		if (direct)
			fault = vuser_guard_copy(pos, span.ptr, span.len);
		put(e, &span);
		if (fault) {
			*chanerr |= errors->data;
			return -EIO;
		}
		if (!direct)
			ret = e->dma.ops->read(e->dma.ctx, iova, pos, span.len);
		if (ret)
			return failed(e, ret, errors->data, chanerr);
		pos += span.len;
		iova += span.len;
		len -= span.len;
	}
	return 0;
}

/* Write a local buffer to memory of the client; the counterpart of load(). */
static int store(struct ioat_engine *e, uint64_t iova, const void *buf,
		 size_t len, const struct errors *errors, uint32_t *chanerr)
{
	const uint8_t *pos = buf;

	while (len) {
		const void *fault = NULL;
		struct ioat_span span;
		bool direct;
		int ret;

		if (stopped(e))
			return -ECANCELED;
		ret = get(e, iova, len, IOAT_DMA_WRITE, &span);
		if (ret)
			return failed(e, ret, errors->address, chanerr);
		direct = span.ptr;
		if (direct)
			fault = vuser_guard_copy(span.ptr, pos, span.len);
		put(e, &span);
		if (fault) {
			*chanerr |= errors->data;
			return -EIO;
		}
		if (!direct)
			ret = e->dma.ops->write(e->dma.ctx, iova, pos,
						span.len);
		if (ret)
			return failed(e, ret, errors->data, chanerr);
		pos += span.len;
		iova += span.len;
		len -= span.len;
	}
	return 0;
}

/*
 * Copy as many bytes as are contiguous on both sides, directly if both sides
 * are mapped. Return the number of copied bytes, or -errno.
 */
static int copy_piece(struct ioat_engine *e, uint64_t src, uint64_t dst,
		      size_t len, uint32_t *chanerr)
{
	struct ioat_span from, to;
	const void *fault = NULL;
	bool direct;
	int ret;

	ret = get(e, src, len, IOAT_DMA_READ, &from);
	if (ret)
		return failed(e, ret, IOAT_ERR_SOURCE, chanerr);
	len = from.len;
	ret = get(e, dst, len, IOAT_DMA_WRITE, &to);
	if (ret) {
		put(e, &from);
		return failed(e, ret, IOAT_ERR_DESTINATION, chanerr);
	}
	len = to.len;

	direct = from.ptr && to.ptr;
	if (direct)
		fault = vuser_guard_copy(to.ptr, from.ptr, len);
	if (fault)
		*chanerr |= within(fault, from.ptr, len) ? IOAT_ERR_READ :
							   IOAT_ERR_WRITE;
	put(e, &to);
	put(e, &from);
	if (fault)
		return -EIO;
	if (direct)
		return len;

	ret = load(e, src, e->bounce, len, &source_errors, chanerr);
	if (!ret)
		ret = store(e, dst, e->bounce, len, &destination_errors,
			    chanerr);
	return ret ? ret : (int)len;
}

static bool overlaps(const struct ioat_desc *desc)
{
	return desc->src < desc->dst ? desc->dst - desc->src < desc->size :
				       desc->src - desc->dst < desc->size;
}

/* Copy memory onto itself, so that the copy can be repeated. */
static int copy_kept(struct ioat_engine *e, const struct ioat_desc *desc,
		     uint32_t *chanerr)
{
	struct ioat_source *source = e->source;
	int ret = 0;

	if (!source->loaded) {
		ret = load(e, desc->src, source->data, desc->size,
			   &source_errors, chanerr);
		if (ret)
			return ret;
		source->keep(source->ctx);
	}
	return store(e, desc->dst, source->data, desc->size,
		     &destination_errors, chanerr);
}

static int copy(struct ioat_engine *e, const struct ioat_desc *desc,
		uint32_t *chanerr)
{
	size_t done = 0;

	if (wraps(desc->src, desc->size)) {
		*chanerr |= IOAT_ERR_SOURCE;
		return -EIO;
	}
	if (e->source && overlaps(desc))
		return copy_kept(e, desc, chanerr);
	while (done < desc->size) {
		int ret;

		if (stopped(e))
			return -ECANCELED;
		ret = copy_piece(e, desc->src + done, desc->dst + done,
				 desc->size - done, chanerr);
		if (ret < 0)
			return ret;
		done += ret;
	}
	return 0;
}

static int fill(struct ioat_engine *e, const struct ioat_desc *desc,
		uint32_t *chanerr)
{
	size_t block = min_size((desc->size + 7) & ~7ul, sizeof(e->pattern));
	size_t done, len;
	int ret;

	for (done = 0; done < block; done += sizeof(desc->src))
		memcpy(e->pattern + done, &desc->src, sizeof(desc->src));

	for (done = 0; done < desc->size; done += len) {
		len = min_size(desc->size - done, block);
		ret = store(e, desc->dst + done, e->pattern, len,
			    &destination_errors, chanerr);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Read the descriptor at @addr, and some of those that follow it in memory.
 * Their number doubles as long as the chain continues without a jump, up to
 * IOAT_AHEAD and to the number of descriptors that are due. If they cannot all
 * be read, read only the one at @addr.
 */
static int read_ahead(struct ioat_engine *e, uint64_t addr, uint16_t due,
		      const struct errors *errors, uint32_t *chanerr)
{
	struct ioat_ahead *a = &e->ahead;
	uint32_t more_chanerr = 0;
	size_t nr;
	int ret;

	if (addr != a->next || !a->window)
		a->window = 1;
	else
		a->window = min_size(2 * a->window, IOAT_AHEAD);
	nr = min_size(a->window, due);
	ret = -EIO;
	if (nr > 1)
		ret = load(e, addr, a->slots, nr * IOAT_SLOT, errors,
			   &more_chanerr);
	if (ret == -EIO) {
		nr = 1;
		ret = load(e, addr, a->slots, IOAT_SLOT, errors, chanerr);
	}
	a->next = addr;
	a->taken = 0;
	a->left = ret ? 0 : nr;
	return ret;
}

/**
 * ioat_engine_discard - discard the descriptors that were read ahead
 * @e: engine
 */
void ioat_engine_discard(struct ioat_engine *e)
{
	e->ahead.left = 0;
}

/**
 * ioat_engine_fetch - read a descriptor
 * @e: engine
 * @addr: IOVA of the descriptor
 * @first: the descriptor is the first one of a chain, at CHAINADDR
 * @due: number of descriptors that may be carried out from @addr on; no more
 *	are read
 * @desc: filled in on success
 * @chanerr: gets the bits of the errors, IOAT_ERR_*
 *
 * Return: 0, -EIO with bits in @chanerr, or -ECANCELED when stopped.
 */
int ioat_engine_fetch(struct ioat_engine *e, uint64_t addr, bool first,
		      uint16_t due, struct ioat_desc *desc, uint32_t *chanerr)
{
	struct ioat_ahead *a = &e->ahead;
	int ret;

	if (addr % IOAT_DESC_ALIGN) {
		*chanerr |= first ? IOAT_ERR_CHAIN : IOAT_ERR_NEXT_ALIGN;
		return -EIO;
	}
	if (!a->left || addr != a->next) {
		ret = read_ahead(e, addr, due,
				 first ? &chain_errors : &next_errors, chanerr);
		if (ret)
			return ret;
	}
	memcpy(desc, a->slots[a->taken], sizeof(*desc));
	a->taken++;
	a->left--;
	a->next += IOAT_SLOT;
	return 0;
}

/**
 * ioat_engine_run - check and carry out a descriptor
 * @e: engine
 * @desc: local copy of a descriptor
 * @chanerr: gets the bits of the errors, IOAT_ERR_*
 *
 * Return: 0, -EIO with bits in @chanerr, or -ECANCELED when stopped. After an
 * error, a part of the destination may have been written.
 */
int ioat_engine_run(struct ioat_engine *e, const struct ioat_desc *desc,
		    uint32_t *chanerr)
{
	uint32_t op = IOAT_DESC_OP(desc->control);

	if (op != IOAT_OP_COPY && op != IOAT_OP_FILL) {
		*chanerr |= IOAT_ERR_CONTROL;
		return -EIO;
	}
	if (desc->control & IOAT_DESC_NULL)
		return 0;
	if (!desc->size || desc->size > IOAT_XFER_MAX) {
		*chanerr |= IOAT_ERR_LENGTH;
		return -EIO;
	}
	if (wraps(desc->dst, desc->size)) {
		*chanerr |= IOAT_ERR_DESTINATION;
		return -EIO;
	}
	return op == IOAT_OP_COPY ? copy(e, desc, chanerr) :
				    fill(e, desc, chanerr);
}

/**
 * ioat_engine_peek - read the place of a completion
 * @e: engine
 * @addr: IOVA of 8 aligned bytes
 * @value: result
 *
 * Return: 0, -EIO, or -ECANCELED when stopped.
 */
int ioat_engine_peek(struct ioat_engine *e, uint64_t addr, uint64_t *value)
{
	uint32_t chanerr = 0;

	return load(e, addr, value, sizeof(*value), &completion_errors,
		    &chanerr);
}

/**
 * ioat_engine_complete - write a completion, in one store if it is mapped
 * @e: engine
 * @addr: IOVA of 8 aligned bytes
 * @value: address and state of the channel
 * @chanerr: gets the bits of the errors, IOAT_ERR_*
 *
 * Return: 0, -EIO with bits in @chanerr, or -ECANCELED when stopped.
 */
int ioat_engine_complete(struct ioat_engine *e, uint64_t addr, uint64_t value,
			 uint32_t *chanerr)
{
	struct ioat_span span;
	const void *fault;
	int ret;

	if (stopped(e))
		return -ECANCELED;
	ret = get(e, addr, sizeof(value), IOAT_DMA_WRITE, &span);
	if (ret)
		return failed(e, ret, IOAT_ERR_COMPLETION, chanerr);
	if (!span.ptr || span.len < sizeof(value) ||
	    (uintptr_t)span.ptr % sizeof(value)) {
		put(e, &span);
		return store(e, addr, &value, sizeof(value), &completion_errors,
			     chanerr);
	}
	fault = vuser_guard_store64(span.ptr, value);
	put(e, &span);
	if (fault) {
		*chanerr |= IOAT_ERR_WRITE;
		return -EIO;
	}
	return 0;
}
