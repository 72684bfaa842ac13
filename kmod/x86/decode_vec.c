// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder: instructions with a vector register, in their SSE, VEX and EVEX
 * encodings.
 *
 * A table has one row for each opcode with its prefix.  References are to the
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
 */

#include "x86/decode_vec.h"
#include "x86/fetch.h"

/* The encodings of a row. */
#define SSE		0x0001
#define VEX		0x0002
#define EVEX		0x0004
#define ALL		(SSE | VEX | EVEX)

/* The conditions on the W bit. */
#define W0		0x0008
#define W1		0x0010

/* Only EVEX has a condition on the W bit, or doubles sizes by it. */
#define EVEX_W		0x0020

/* The conditions on the vector length, in bits. */
#define LEN_128		0x0040
#define LEN_256		0x0080
#define LEN_512		0x0100
#define LEN_WIDE	0x0200 /* 256 or 512 */
#define LEN_ANY		0x0400 /* the length has no meaning */

/* The operands. */
#define STORE		0x0800 /* otherwise a load */
#define TWO		0x1000 /* VEX and EVEX have a second source register */
#define IMM		0x2000
#define ALIGNED		0x4000
#define NO_MASK		0x8000
#define BROADCAST	0x10000 /* EVEX may broadcast one element */
#define TO_MASK		0x20000 /* the result of the EVEX form is a mask */

/* If W is 1, the size of an element or of the access is doubled. */
#define ELEM_W		0x40000
#define SIZE_W		0x80000

/* The part of the register: its upper half, or selected by the immediate. */
#define HIGH		0x100000
#define SELECT		0x200000

#define KEY(map, prefix, opcode) \
	((map) << 10 | INSN_SIMD_##prefix << 8 | (opcode))

/**
 * struct vec_form - a row of the table
 * @key: KEY() of the opcode
 * @op: enum vuser_vec_op
 * @size: bytes of the access; 0 for the vector length
 * @elem: bytes of an element
 * @flags: the encodings, conditions and operands
 */
struct vec_form {
	u16 key;
	u8 op;
	u8 size;
	u8 elem;
	u32 flags;
};

#define FORM(map, prefix, opcode, op, size, elem, flags) \
	{ KEY(map, prefix, opcode), VUSER_VEC_##op, size, elem, flags }

#define EW0	(W0 | EVEX_W)
#define EW1	(W1 | EVEX_W)
#define EELEM	(ELEM_W | EVEX_W)

/* Operations on bytes or words, on doublewords, and on quadwords. */
#define SMALL(map, opcode, op, elem) \
	FORM(map, 66, opcode, op, 0, elem, ALL | TWO)
#define DWORD(map, opcode, op) \
	FORM(map, 66, opcode, op, 0, 4, ALL | EW0 | TWO | BROADCAST)
#define QWORD(map, opcode, op) \
	FORM(map, 66, opcode, op, 0, 8, ALL | EW1 | TWO | BROADCAST)

/* Operations on doublewords; with EVEX and W, on quadwords. */
#define DQWORD(map, opcode, op) \
	FORM(map, 66, opcode, op, 0, 4, ALL | EELEM | TWO | BROADCAST)

/* Comparisons: the EVEX form has its result in a mask register. */
#define COMPARE(map, opcode, op, elem, flags) \
	FORM(map, 66, opcode, op, 0, elem, ALL | TWO | TO_MASK | (flags))

static const struct vec_form forms[] = {
	/* moves that compilers and C libraries emit most */
	FORM(1, F3, 0x6f, MOVE, 0, 4, ALL | EELEM),
	FORM(1, F3, 0x7f, MOVE, 0, 4, ALL | EELEM | STORE),
	FORM(1, NONE, 0x10, MOVE, 0, 4, ALL | EW0),
	FORM(1, NONE, 0x11, MOVE, 0, 4, ALL | EW0 | STORE),
	FORM(1, 66, 0x6f, MOVE, 0, 4, ALL | EELEM | ALIGNED),
	FORM(1, 66, 0x7f, MOVE, 0, 4, ALL | EELEM | ALIGNED | STORE),
	FORM(1, NONE, 0x28, MOVE, 0, 4, ALL | EW0 | ALIGNED),
	FORM(1, NONE, 0x29, MOVE, 0, 4, ALL | EW0 | ALIGNED | STORE),
	FORM(1, F2, 0x6f, MOVE, 0, 1, EVEX | ELEM_W),
	FORM(1, F2, 0x7f, MOVE, 0, 1, EVEX | ELEM_W | STORE),
	FORM(1, 66, 0x6e, MOVE, 4, 4, ALL | LEN_128 | NO_MASK | SIZE_W),
	FORM(1, 66, 0x7e, MOVE, 4, 4, ALL | LEN_128 | NO_MASK | SIZE_W | STORE),
	FORM(1, F3, 0x7e, MOVE, 8, 8, ALL | EW1 | LEN_128 | NO_MASK),
	FORM(1, 66, 0xd6, MOVE, 8, 8, ALL | EW1 | LEN_128 | NO_MASK | STORE),
	FORM(1, F3, 0x10, MOVE, 4, 4, ALL | EW0 | LEN_ANY),
	FORM(1, F3, 0x11, MOVE, 4, 4, ALL | EW0 | LEN_ANY | STORE),
	FORM(1, F2, 0x10, MOVE, 8, 8, ALL | EW1 | LEN_ANY),
	FORM(1, F2, 0x11, MOVE, 8, 8, ALL | EW1 | LEN_ANY | STORE),
	FORM(1, 66, 0x10, MOVE, 0, 8, ALL | EW1),
	FORM(1, 66, 0x11, MOVE, 0, 8, ALL | EW1 | STORE),
	FORM(1, 66, 0x28, MOVE, 0, 8, ALL | EW1 | ALIGNED),
	FORM(1, 66, 0x29, MOVE, 0, 8, ALL | EW1 | ALIGNED | STORE),
	FORM(1, 66, 0xe7, MOVE, 0, 4, ALL | EW0 | NO_MASK | ALIGNED | STORE),
	FORM(1, NONE, 0x2b, MOVE, 0, 4, ALL | EW0 | NO_MASK | ALIGNED | STORE),
	FORM(1, 66, 0x2b, MOVE, 0, 8, ALL | EW1 | NO_MASK | ALIGNED | STORE),
	FORM(2, 66, 0x2a, MOVE, 0, 4, ALL | EW0 | NO_MASK | ALIGNED),
	FORM(1, F2, 0xf0, MOVE, 0, 4, SSE | VEX),

	/* parts of a register */
	FORM(1, NONE, 0x12, INSERT, 8, 8, ALL | LEN_128 | NO_MASK | TWO | EW0),
	FORM(1, NONE, 0x13, MOVE, 8, 8, ALL | LEN_128 | NO_MASK | STORE | EW0),
	FORM(1, 66, 0x12, INSERT, 8, 8, ALL | LEN_128 | NO_MASK | TWO | EW1),
	FORM(1, 66, 0x13, MOVE, 8, 8, ALL | LEN_128 | NO_MASK | STORE | EW1),
	FORM(1, NONE, 0x16, INSERT, 8, 8, ALL | LEN_128 | NO_MASK | TWO | EW0 | HIGH),
	FORM(1, NONE, 0x17, MOVE, 8, 8, ALL | LEN_128 | NO_MASK | STORE | EW0 | HIGH),
	FORM(1, 66, 0x16, INSERT, 8, 8, ALL | LEN_128 | NO_MASK | TWO | EW1 | HIGH),
	FORM(1, 66, 0x17, MOVE, 8, 8, ALL | LEN_128 | NO_MASK | STORE | EW1 | HIGH),
	FORM(3, 66, 0x18, INSERT, 16, 4, VEX | W0 | LEN_256 | TWO | IMM | SELECT),
	FORM(3, 66, 0x18, INSERT, 16, 4, EVEX | ELEM_W | LEN_WIDE | TWO | IMM | SELECT),
	FORM(3, 66, 0x19, MOVE, 16, 4, VEX | W0 | LEN_256 | STORE | IMM | SELECT),
	FORM(3, 66, 0x19, MOVE, 16, 4, EVEX | ELEM_W | LEN_WIDE | STORE | IMM | SELECT),
	FORM(3, 66, 0x1a, INSERT, 32, 4, EVEX | ELEM_W | LEN_512 | TWO | IMM | SELECT),
	FORM(3, 66, 0x1b, MOVE, 32, 4, EVEX | ELEM_W | LEN_512 | STORE | IMM | SELECT),
	FORM(3, 66, 0x38, INSERT, 16, 4, VEX | W0 | LEN_256 | TWO | IMM | SELECT),
	FORM(3, 66, 0x38, INSERT, 16, 4, EVEX | ELEM_W | LEN_WIDE | TWO | IMM | SELECT),
	FORM(3, 66, 0x39, MOVE, 16, 4, VEX | W0 | LEN_256 | STORE | IMM | SELECT),
	FORM(3, 66, 0x39, MOVE, 16, 4, EVEX | ELEM_W | LEN_WIDE | STORE | IMM | SELECT),
	FORM(3, 66, 0x3a, INSERT, 32, 4, EVEX | ELEM_W | LEN_512 | TWO | IMM | SELECT),
	FORM(3, 66, 0x3b, MOVE, 32, 4, EVEX | ELEM_W | LEN_512 | STORE | IMM | SELECT),
	FORM(1, 66, 0xc4, INSERT, 2, 2, ALL | LEN_128 | NO_MASK | TWO | IMM | SELECT),
	FORM(3, 66, 0x20, INSERT, 1, 1, ALL | LEN_128 | NO_MASK | TWO | IMM | SELECT),
	FORM(3, 66, 0x22, INSERT, 4, 4,
	     ALL | LEN_128 | NO_MASK | TWO | IMM | SELECT | SIZE_W),
	FORM(3, 66, 0x14, MOVE, 1, 1, ALL | LEN_128 | NO_MASK | STORE | IMM | SELECT),
	FORM(3, 66, 0x15, MOVE, 2, 2, ALL | LEN_128 | NO_MASK | STORE | IMM | SELECT),
	FORM(3, 66, 0x16, MOVE, 4, 4,
	     ALL | LEN_128 | NO_MASK | STORE | IMM | SELECT | SIZE_W),
	FORM(3, 66, 0x17, MOVE, 4, 4, ALL | LEN_128 | NO_MASK | STORE | IMM | SELECT),

	/* broadcasts */
	FORM(2, 66, 0x18, BROADCAST, 4, 4, VEX | EVEX | W0),
	FORM(2, 66, 0x19, BROADCAST, 8, 8, VEX | W0 | LEN_256),
	FORM(2, 66, 0x19, BROADCAST, 8, 4, EVEX | ELEM_W | LEN_WIDE),
	FORM(2, 66, 0x1a, BROADCAST, 16, 4, VEX | W0 | LEN_256),
	FORM(2, 66, 0x1a, BROADCAST, 16, 4, EVEX | ELEM_W | LEN_WIDE),
	FORM(2, 66, 0x1b, BROADCAST, 32, 4, EVEX | ELEM_W | LEN_512),
	FORM(2, 66, 0x58, BROADCAST, 4, 4, VEX | EVEX | W0),
	FORM(2, 66, 0x59, BROADCAST, 8, 8, VEX | W0),
	FORM(2, 66, 0x59, BROADCAST, 8, 4, EVEX | ELEM_W),
	FORM(2, 66, 0x5a, BROADCAST, 16, 4, VEX | W0 | LEN_256),
	FORM(2, 66, 0x5a, BROADCAST, 16, 4, EVEX | ELEM_W | LEN_WIDE),
	FORM(2, 66, 0x5b, BROADCAST, 32, 4, EVEX | ELEM_W | LEN_512),
	FORM(2, 66, 0x78, BROADCAST, 1, 1, VEX | EVEX | W0),
	FORM(2, 66, 0x79, BROADCAST, 2, 2, VEX | EVEX | W0),

	/* moves that the elements of a register mask */
	FORM(2, 66, 0x2c, MASKMOV, 0, 4, VEX | W0 | TWO),
	FORM(2, 66, 0x2d, MASKMOV, 0, 8, VEX | W0 | TWO),
	FORM(2, 66, 0x2e, MASKMOV, 0, 4, VEX | W0 | TWO | STORE),
	FORM(2, 66, 0x2f, MASKMOV, 0, 8, VEX | W0 | TWO | STORE),
	FORM(2, 66, 0x8c, MASKMOV, 0, 4, VEX | ELEM_W | TWO),
	FORM(2, 66, 0x8e, MASKMOV, 0, 4, VEX | ELEM_W | TWO | STORE),

	/* operations with memory as the last source */
	COMPARE(1, 0x74, CMPEQ, 1, 0),
	COMPARE(1, 0x75, CMPEQ, 2, 0),
	COMPARE(1, 0x76, CMPEQ, 4, EW0 | BROADCAST),
	COMPARE(2, 0x29, CMPEQ, 8, EW1 | BROADCAST),
	COMPARE(1, 0x64, CMPGT, 1, 0),
	COMPARE(1, 0x65, CMPGT, 2, 0),
	COMPARE(1, 0x66, CMPGT, 4, EW0 | BROADCAST),
	COMPARE(2, 0x37, CMPGT, 8, EW1 | BROADCAST),
	DQWORD(1, 0xdb, AND),
	DQWORD(1, 0xdf, ANDN),
	DQWORD(1, 0xeb, OR),
	DQWORD(1, 0xef, XOR),
	FORM(1, NONE, 0x54, AND, 0, 4, ALL | EW0 | TWO | BROADCAST),
	FORM(1, 66, 0x54, AND, 0, 8, ALL | EW1 | TWO | BROADCAST),
	FORM(1, NONE, 0x55, ANDN, 0, 4, ALL | EW0 | TWO | BROADCAST),
	FORM(1, 66, 0x55, ANDN, 0, 8, ALL | EW1 | TWO | BROADCAST),
	FORM(1, NONE, 0x56, OR, 0, 4, ALL | EW0 | TWO | BROADCAST),
	FORM(1, 66, 0x56, OR, 0, 8, ALL | EW1 | TWO | BROADCAST),
	FORM(1, NONE, 0x57, XOR, 0, 4, ALL | EW0 | TWO | BROADCAST),
	FORM(1, 66, 0x57, XOR, 0, 8, ALL | EW1 | TWO | BROADCAST),
	SMALL(1, 0xfc, ADD, 1),
	SMALL(1, 0xfd, ADD, 2),
	DWORD(1, 0xfe, ADD),
	QWORD(1, 0xd4, ADD),
	SMALL(1, 0xf8, SUB, 1),
	SMALL(1, 0xf9, SUB, 2),
	DWORD(1, 0xfa, SUB),
	QWORD(1, 0xfb, SUB),
	SMALL(1, 0xd8, SUBUS, 1),
	SMALL(1, 0xd9, SUBUS, 2),
	SMALL(1, 0xdc, ADDUS, 1),
	SMALL(1, 0xdd, ADDUS, 2),
	SMALL(1, 0xda, MINU, 1),
	SMALL(1, 0xde, MAXU, 1),
	SMALL(1, 0xea, MINS, 2),
	SMALL(1, 0xee, MAXS, 2),
	SMALL(2, 0x38, MINS, 1),
	SMALL(2, 0x3c, MAXS, 1),
	SMALL(2, 0x3a, MINU, 2),
	SMALL(2, 0x3e, MAXU, 2),
	DQWORD(2, 0x39, MINS),
	DQWORD(2, 0x3d, MAXS),
	DQWORD(2, 0x3b, MINU),
	DQWORD(2, 0x3f, MAXU),
	FORM(2, 66, 0x17, TEST, 0, 8, SSE | VEX),
	FORM(3, 66, 0x3e, CMPU, 0, 1, EVEX | ELEM_W | TWO | IMM | TO_MASK),
	FORM(3, 66, 0x3f, CMPS, 0, 1, EVEX | ELEM_W | TWO | IMM | TO_MASK),
	FORM(3, 66, 0x1e, CMPU, 0, 4,
	     EVEX | ELEM_W | TWO | IMM | TO_MASK | BROADCAST),
	FORM(3, 66, 0x1f, CMPS, 0, 4,
	     EVEX | ELEM_W | TWO | IMM | TO_MASK | BROADCAST),
	FORM(2, 66, 0x26, TESTM, 0, 1, EVEX | ELEM_W | TWO | TO_MASK),
	FORM(2, F3, 0x26, TESTNM, 0, 1, EVEX | ELEM_W | TWO | TO_MASK),
	FORM(2, 66, 0x27, TESTM, 0, 4,
	     EVEX | ELEM_W | TWO | TO_MASK | BROADCAST),
	FORM(2, F3, 0x27, TESTNM, 0, 4,
	     EVEX | ELEM_W | TWO | TO_MASK | BROADCAST),
	FORM(3, 66, 0x25, TERNLOG, 0, 4, EVEX | ELEM_W | TWO | IMM | BROADCAST),
	{ 0 }
};

static const struct vec_form *find_form(const struct insn_decoder *d, u8 opcode)
{
	u16 key = d->map << 10 | vuser_fetch_simd_prefix(d) << 8 | opcode;
	u32 encoding = d->evex ? EVEX : d->vex ? VEX : SSE;
	const struct vec_form *form;

	for (form = forms; form->flags; form++)
		if (form->key == key && form->flags & encoding)
			return form;
	return NULL;
}

/* The conditions on W and on the vector length. */
static bool allows_prefix(const struct insn_decoder *d, u32 flags)
{
	if (!(flags & EVEX_W) || d->evex) {
		if (d->rex_w ? flags & W0 : flags & W1)
			return false;
	}
	if (!d->vec_len)
		return false;
	if ((flags & LEN_128 && d->vec_len != 16) ||
	    (flags & LEN_256 && d->vec_len != 32) ||
	    (flags & LEN_512 && d->vec_len != 64))
		return false;
	return !(flags & LEN_WIDE) || d->vec_len != 16;
}

/* The conditions on the parts of EVEX, and on the second source register. */
static bool allows_operands(const struct insn_decoder *d,
			    const struct vec_form *form)
{
	u32 flags = form->flags;

	if (d->vex && !(flags & TWO) && d->vvvv)
		return false;
	if (!d->evex)
		return true;
	if (d->broadcast && !(flags & BROADCAST))
		return false;
	if ((flags & NO_MASK) && d->mask)
		return false;
	/* a store has nothing to clear, a comparison clears always */
	if (d->zeroing && (!d->mask || flags & (STORE | TO_MASK)))
		return false;
	return !(flags & TO_MASK) || d->rex_r == 0;
}

/* Sets what the table says about the sizes. */
static void set_sizes(struct vuser_insn *insn, const struct insn_decoder *d,
		      const struct vec_form *form)
{
	u32 flags = form->flags;
	bool w = d->rex_w && (d->evex || !(flags & EVEX_W));

	insn->elem = form->elem;
	insn->size = form->size;
	if (w && flags & ELEM_W)
		insn->elem *= 2;
	if (w && flags & SIZE_W)
		insn->size *= 2;
	insn->vec_len = flags & LEN_ANY ? form->size : d->vec_len;
	if (d->broadcast) {
		insn->repeat = true;
		insn->size = insn->elem;
	} else if (!insn->size) {
		insn->size = d->vec_len;
	}
}

static u8 selected_part(const struct vuser_insn *insn)
{
	return (insn->imm & (insn->vec_len / insn->size - 1)) * insn->size;
}

/**
 * vuser_decode_vec() - decode an instruction with a vector register
 * @insn: the operation, the access and the operands are filled in
 * @d: the instruction, read up to its opcode; @d->map is set
 * @opcode: the last byte of the opcode
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_vec(struct vuser_insn *insn, struct insn_decoder *d, u8 opcode)
{
	const struct vec_form *form;
	bool store;

	if (!d->vex)
		d->vec_len = 16;
	form = find_form(d, opcode);
	if (!form || !allows_prefix(d, form->flags) || !allows_operands(d, form))
		return -EINVAL;
	set_sizes(insn, d, form);
	if (d->evex)
		d->disp8_scale = insn->size;
	if (vuser_fetch_modrm(d))
		return -EINVAL;

	store = form->flags & STORE;
	insn->op = VUSER_INSN_VEC;
	insn->vec_op = form->op;
	insn->load = !store;
	insn->store = store;
	insn->to_reg = !store;
	insn->vex = d->vex;
	insn->mask = d->mask;
	insn->zeroing = d->zeroing;
	insn->to_mask = d->evex && form->flags & TO_MASK;
	insn->reg = d->modrm_reg | d->rex_r;
	insn->reg2 = d->vex ? d->vvvv : insn->reg;
	insn->aligned = form->flags & ALIGNED ||
			(!d->vex && insn->size == 16 && form->op >= VUSER_VEC_TEST);
	if (form->flags & IMM)
		insn->imm = vuser_fetch_byte(d);
	if (form->flags & HIGH)
		insn->vec_at = 8;
	if (form->flags & SELECT)
		insn->vec_at = selected_part(insn);
	return 0;
}
