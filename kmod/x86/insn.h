/* SPDX-License-Identifier: GPL-2.0 */
/*
 * x86-64 instructions that load from or store to memory, decoded and carried
 * out on a copy of the registers.  No I/O and no kernel interface, so that the
 * same code is tested and fuzzed in user space.
 */
#ifndef VUSER_INSN_H
#define VUSER_INSN_H

#include <linux/errno.h>
#include <linux/types.h>

/* The longest instruction there is, in bytes. */
#define VUSER_INSN_MAX	15

/* Bits of the flags register. */
#define VUSER_FLAG_CF	0x0001
#define VUSER_FLAG_PF	0x0004
#define VUSER_FLAG_AF	0x0010
#define VUSER_FLAG_ZF	0x0040
#define VUSER_FLAG_SF	0x0080
#define VUSER_FLAG_DF	0x0400
#define VUSER_FLAG_OF	0x0800

/* The six flags that arithmetic sets. */
#define VUSER_FLAGS_STATUS	(VUSER_FLAG_CF | VUSER_FLAG_PF | \
				 VUSER_FLAG_AF | VUSER_FLAG_ZF | \
				 VUSER_FLAG_SF | VUSER_FLAG_OF)

/* Registers by the number that instructions give them. */
enum vuser_gpr {
	VUSER_AX, VUSER_CX, VUSER_DX, VUSER_BX,
	VUSER_SP, VUSER_BP, VUSER_SI, VUSER_DI,
	VUSER_NR_GPRS = 16
};

/**
 * struct vuser_regs - the integer registers of a thread in 64-bit mode
 * @gpr: by enum vuser_gpr, then r8 to r15
 * @ip: address of the instruction, then of the next one to run
 * @flags: the flags register
 */
struct vuser_regs {
	u64 gpr[VUSER_NR_GPRS];
	u64 ip;
	u64 flags;
};

/* The eight from ADD to CMP are in the order of their encoding. */
enum vuser_insn_op {
	VUSER_INSN_ADD,
	VUSER_INSN_OR,
	VUSER_INSN_ADC,
	VUSER_INSN_SBB,
	VUSER_INSN_AND,
	VUSER_INSN_SUB,
	VUSER_INSN_XOR,
	VUSER_INSN_CMP,
	VUSER_INSN_TEST,
	VUSER_INSN_MOV,		/* with movzx, movsx, movnti, movdiri, setcc */
	VUSER_INSN_MOVBE,
	VUSER_INSN_INC,
	VUSER_INSN_DEC,
	VUSER_INSN_NOT,
	VUSER_INSN_NEG,
	VUSER_INSN_BT,
	VUSER_INSN_BTS,
	VUSER_INSN_BTR,
	VUSER_INSN_BTC,
	VUSER_INSN_POPCNT,
	VUSER_INSN_XCHG,
	VUSER_INSN_XADD,
	VUSER_INSN_CMPXCHG,
	VUSER_INSN_SHL,
	VUSER_INSN_SHR,
	VUSER_INSN_SAR,
	VUSER_INSN_IMUL,
	VUSER_INSN_BSF,
	VUSER_INSN_BSR,
	VUSER_INSN_MOVS,
	VUSER_INSN_STOS,
	VUSER_INSN_VEC,		/* between memory and an XMM register */
};

/**
 * struct vuser_insn - one instruction and its one access to memory
 * @op: what it does
 * @len: of the instruction, bytes
 * @size: of the access, bytes: 1, 2, 4 or 8; VUSER_INSN_VEC: 4, 8 or 16
 * @load: memory is read
 * @store: memory is written (by CMPXCHG only if it finds what it expects)
 * @lock: a locked form; XCHG is one without the prefix, too
 * @to_reg: the register is the first operand, which takes the result, if the
 *	instruction has one; else memory is
 * @reg: number of the register operand, general or XMM
 * @reg_size: bytes of the register that the result replaces
 * @reg_high: the register is AH, CH, DH or BH (then @reg is AX, CX, DX or BX)
 * @sign: what is loaded is sign-extended to @reg_size, else zero-extended
 * @rep: repeats while CX is not 0
 * @vex: VEX-encoded: a load clears the register above its low 16 bytes
 * @vec_at: first byte of the XMM register that is moved
 * @vec_merge: a load keeps the other bytes of the XMM register's low 16
 * @aligned: an access not aligned to @size is an exception
 * @bit: BT and its kin: number of the bit in the operand; shifts: how far
 * @addr_size: bytes of the address registers, 4 or 8
 * @operand: the immediate's or the register's value, zero-extended from @size
 * @addr: of the access; MOVS: of the destination
 * @from: MOVS: address of the source
 *
 * MOVS and STOS are single elements: a repeated one is carried out once, and
 * leaves the ip where it is while there are elements left.
 */
struct vuser_insn {
	enum vuser_insn_op op;
	u8 len;
	u8 size;
	bool load;
	bool store;
	bool lock;
	bool to_reg;
	u8 reg;
	u8 reg_size;
	bool reg_high;
	bool sign;
	bool rep;
	bool vex;
	u8 vec_at;
	bool vec_merge;
	bool aligned;
	u8 bit;
	u8 addr_size;
	u64 operand;
	u64 addr;
	u64 from;
};

/* The value's low @size bytes, 1, 2, 4 or 8 of them. */
static inline u64 vuser_insn_zext(u64 val, u32 size)
{
	return size < 8 ? val & (((u64)1 << (8 * size)) - 1) : val;
}

static inline u64 vuser_insn_sext(u64 val, u32 size)
{
	u32 shift = 64 - 8 * size;

	return (u64)((s64)(val << shift) >> shift);
}

/* A general register as an operand of @size bytes. */
static inline u64 vuser_insn_get_reg(const struct vuser_regs *regs, u32 reg,
				     u32 size, bool high)
{
	return vuser_insn_zext(regs->gpr[reg] >> (high ? 8 : 0), size);
}

#endif /* VUSER_INSN_H */
