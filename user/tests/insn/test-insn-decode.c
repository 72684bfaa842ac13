// SPDX-License-Identifier: GPL-2.0
/*
 * Compare the decoder with Zydis, for each opcode with each prefix. An accepted
 * instruction must be as Zydis reports it. A refused instruction must not be in
 * supported[].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"
#include "x86/decode.h"
#include "x86/decode_plain.h"
#include "x86/insn.h"
#include "reference.h"
#include "../tap.h"

static struct {
	unsigned long accepted;
	unsigned long wrong;
	unsigned long missed;
} counts[NR_SUPPORTED];

static unsigned long refused[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static unsigned long total, not_instructions, unsupported;
static unsigned long by_length_wrong;
static unsigned long plain_stores, plain_wrong;

static void show(const char *what, const char *detail, const u8 *bytes,
		 const struct reference *ref)
{
	u32 i;

	printf("# %s (%s) %s:", what, detail,
	       ZydisMnemonicGetString(ref->insn.mnemonic));
	for (i = 0; i < VUSER_INSN_MAX; i++)
		printf(i == ref->insn.length ? " | %02x" : " %02x", bytes[i]);
	printf("\n");
}

/*
 * A shorter buffer must be refused, and bytes after the end must not be read.
 */
static void check_lengths(const struct vuser_insn *insn, const u8 *bytes,
			  const struct vuser_regs *regs)
{
	struct vuser_insn other;
	u8 *exact = malloc(insn->len);

	memcpy(exact, bytes, insn->len);
	if (vuser_decode(&other, exact, insn->len, regs) ||
	    other.op != insn->op || other.len != insn->len ||
	    other.addr != insn->addr || other.operand != insn->operand)
		by_length_wrong++;
	free(exact);
	exact = malloc(insn->len - 1u);
	memcpy(exact, bytes, insn->len - 1u);
	if (!vuser_decode(&other, exact, insn->len - 1u, regs))
		by_length_wrong++;
	free(exact);
}

static void check_accepted(const struct vuser_insn *insn, const u8 *bytes,
			   const struct vuser_regs *regs)
{
	struct reference ref;
	const char *wrong;

	if (!reference_look_up(&ref, bytes)) {
		if (!not_instructions++)
			show("accepted", "not an instruction", bytes, &ref);
		return;
	}
	wrong = reference_difference(insn, regs, &ref);
	if (ref.supported < 0) {
		if (!unsupported++)
			show("accepted", wrong, bytes, &ref);
		return;
	}
	counts[ref.supported].accepted++;
	if (wrong && !counts[ref.supported].wrong++)
		show("wrong", wrong, bytes, &ref);
	if (total % 4 == 0)
		check_lengths(insn, bytes, regs);
}

static void check_refused(const u8 *bytes, const struct vuser_regs *regs)
{
	struct reference ref;

	if (!reference_look_up(&ref, bytes))
		return;
	if (ref.supported < 0 || reference_may_refuse(regs, &ref)) {
		refused[ref.insn.mnemonic]++;
		return;
	}
	if (!counts[ref.supported].missed++)
		show("missed", "supported", bytes, &ref);
}

static u64 get_reg(const void *regs, u32 nr)
{
	return ((const struct vuser_regs *)regs)->gpr[nr];
}

/* The short decoder must give the result of the decoder, which returned @err. */
static void check_plain(const u8 *bytes, const struct vuser_regs *regs,
			const struct vuser_insn *insn, int err)
{
	struct vuser_plain plain;
	u8 exact[VUSER_PLAIN_MAX];

	memcpy(exact, bytes, sizeof(exact));
	if (!vuser_decode_plain(&plain, exact, regs, get_reg))
		return;
	plain_stores++;
	if (err || insn->op != VUSER_INSN_MOV || insn->load || !insn->store ||
	    insn->lock || insn->addr != plain.addr ||
	    insn->operand != plain.val || insn->size != plain.size ||
	    insn->len != plain.len)
		plain_wrong++;
}

static void check_bytes(const u8 *bytes)
{
	struct vuser_regs regs;
	struct vuser_insn insn;
	int err;
	u32 i;

	/* align half of them, so that aligned moves are possible */
	for (i = 0; i < VUSER_NR_GPRS; i++)
		regs.gpr[i] = form_random() & (total & 1 ? ~(u64)63 : ~(u64)0);
	regs.gpr[VUSER_CX] |= 64;
	regs.ip = form_random();
	regs.flags = form_random() & VUSER_FLAGS_STATUS;
	total++;
	err = vuser_decode(&insn, bytes, VUSER_INSN_MAX, &regs);
	check_plain(bytes, &regs, &insn, err);
	if (err)
		check_refused(bytes, &regs);
	else
		check_accepted(&insn, bytes, &regs);
}

static void check_form(struct form *form)
{
	check_bytes(form->bytes);
}

static void check_random(u32 count)
{
	u8 bytes[VUSER_INSN_MAX];

	while (count--) {
		form_fill(bytes, sizeof(bytes));
		check_bytes(bytes);
	}
}

static void print_refused(void)
{
	u32 i, kinds = 0;
	unsigned long sum = 0;

	for (i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++) {
		kinds += !!refused[i];
		sum += refused[i];
	}
	printf("# %lu byte strings, %lu instructions of %u kinds refused\n",
	       total, sum, kinds);
}

int main(void)
{
	static const u8 rexes[] = { 0, 0x40, 0x42, 0x45, 0x48, 0x4f };
	u32 i;

	form_seed(20261120);
	reference_init();
	form_sweep(rexes, sizeof(rexes), check_form);
	form_sweep_vex(check_form);
	form_sweep_evex(check_form);
	check_random(1000000);

	for (i = 0; i < NR_SUPPORTED; i++) {
		printf("# %s: %lu accepted, %lu wrong, %lu missed\n",
		       ZydisMnemonicGetString(supported[i].mnemonic),
		       counts[i].accepted, counts[i].wrong, counts[i].missed);
		tap_ok(counts[i].accepted && !counts[i].wrong &&
			       !counts[i].missed,
		       "%s%s is decoded as Zydis does",
		       ZydisMnemonicGetString(supported[i].mnemonic),
		       supported[i].op == VUSER_INSN_MOVS ||
				       supported[i].op == VUSER_INSN_CMPS ?
			       " (string)" :
			       "");
	}
	print_refused();
	tap_ok(!unsupported, "no instruction outside the list is accepted");
	tap_ok(!not_instructions,
	       "bytes that are not an instruction are refused");
	printf("# %lu stores for the short decoder\n", plain_stores);
	tap_ok(plain_stores && !plain_wrong,
	       "the short decoder of stores agrees with the decoder");
	tap_ok(!by_length_wrong,
	       "exactly the bytes of the instruction are read");
	return tap_done();
}
