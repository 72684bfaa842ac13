/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that the harnesses share: they read values from the input, allocate
 * buffers of exactly the size of the data, check conditions, and check that all file
 * descriptors are closed.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * Functions that libFuzzer calls; a harness has the first, the others are
 * optional.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size,
				 const uint8_t *b, size_t b_size, uint8_t *out,
				 size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* The rest of the input.  Values after its end read as 0. */
struct fuzz_in {
	const uint8_t *pos;
	size_t left;
};

uint8_t fuzz_u8(struct fuzz_in *in);
uint16_t fuzz_u16(struct fuzz_in *in);
uint32_t fuzz_u32(struct fuzz_in *in);
uint64_t fuzz_u64(struct fuzz_in *in);

/* Take up to @len bytes without copying; *@len is set to their number. */
const uint8_t *fuzz_bytes(struct fuzz_in *in, size_t *len);

/* Return a copy of exactly this size, so that ASan sees reads beyond it. */
void *fuzz_copy(const void *data, size_t len);

/* End the program with a finding unless the condition is true. */
#define FUZZ_CHECK(cond)                                      \
	do {                                                  \
		if (!(cond))                                  \
			fuzz_fail(__FILE__, __LINE__, #cond); \
	} while (0)

__attribute__((noreturn)) void fuzz_fail(const char *file, int line,
					 const char *cond);

/*
 * Check that a run closes its file descriptors. Call fuzz_fds_begin() after the
 * harness has opened the file descriptors that it keeps, and fuzz_fds_end() when the
 * file descriptors of the run must be closed.
 */
void fuzz_fds_begin(void);
void fuzz_fds_end(void);

#endif /* FUZZ_H */
