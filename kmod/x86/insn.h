/* SPDX-License-Identifier: GPL-2.0 */
/*
 * x86-64 instructions that load from memory or store to memory.  They are
 * decoded and emulated on a copy of the registers.  This code does no I/O and
 * uses no kernel interface, so that it can be tested and fuzzed in user space.
 */
#ifndef VUSER_INSN_H
#define VUSER_INSN_H

#include <linux/errno.h>
#include <linux/types.h>

/* The length limit of an instruction, in bytes. */
#define VUSER_INSN_MAX	15

/* Bits of the flags register. */
#define VUSER_FLAG_CF	0x0001
#define VUSER_FLAG_PF	0x0004
#define VUSER_FLAG_AF	0x0010
#define VUSER_FLAG_ZF	0x0040
#define VUSER_FLAG_SF	0x0080
#define VUSER_FLAG_DF	0x0400
#define VUSER_FLAG_OF	0x0800

/* The six flags that arithmetic instructions set. */
#define VUSER_FLAGS_STATUS	(VUSER_FLAG_CF | VUSER_FLAG_PF | \
				 VUSER_FLAG_AF | VUSER_FLAG_ZF | \
				 VUSER_FLAG_SF | VUSER_FLAG_OF)

/* General registers, by their number in instructions. */
enum vuser_gpr {
	VUSER_AX, VUSER_CX, VUSER_DX, VUSER_BX,
	VUSER_SP, VUSER_BP, VUSER_SI, VUSER_DI,
	VUSER_NR_GPRS = 16
};

/**
 * struct vuser_regs - the integer registers of a thread in 64-bit mode
 * @gpr: general registers, by enum vuser_gpr; 8 to 15 are r8 to r15
 * @ip: address of the instruction; vuser_emulate() sets it to the address of
 *	the next instruction to run
 * @flags: the flags register
 */
struct vuser_regs {
	u64 gpr[VUSER_NR_GPRS];
	u64 ip;
	u64 flags;
};

/* Operations.  ADD to CMP are in the order of their encoding. */
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
	VUSER_INSN_MOV,		/* also movzx, movsx, movnti, movdiri, setcc */
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
	VUSER_INSN_VEC,		/* a move between memory and an XMM register */
};

/**
 * struct vuser_insn - a decoded instruction with its access to memory
 * @op: operation
 * @len: length of the instruction, bytes
 * @size: size of the access, bytes: 1, 2, 4 or 8; VUSER_INSN_VEC: 4, 8 or 16
 * @load: memory is read
 * @store: memory is written (by CMPXCHG only if the comparison finds equality)
 * @lock: the access is locked; XCHG is locked even without a LOCK prefix
 * @to_reg: the register is the first operand, and gets the result if the
 *	instruction has a result.  Otherwise memory is the first operand
 * @reg: number of the register operand, general or XMM
 * @reg_size: bytes of the register that the result replaces
 * @reg_high: the register is AH, CH, DH or BH (then @reg is AX, CX, DX or BX)
 * @sign: the loaded value is sign-extended to @reg_size, otherwise
 *	zero-extended
 * @rep: the instruction is repeated until CX is 0
 * @vex: VEX-encoded: a load clears the register above its low 16 bytes
 * @vec_at: first byte of the XMM register that is moved
 * @vec_merge: a load keeps the other bytes of the XMM register
 * @aligned: the processor requires that @addr is aligned to @size
 * @bit: BT, BTS, BTR and BTC: number of the bit in the operand; shifts:
 *	distance
 * @addr_size: bytes of the address registers that are used, 4 or 8
 * @operand: value of the immediate or of the register, zero-extended from @size
 * @addr: address of the access; MOVS: address of the destination
 * @from: MOVS: address of the source
 *
 * MOVS and STOS access one element.  A repeated instruction is decoded and
 * emulated once for each element, and does not advance the ip while elements
 * are left.
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

/* Zero-extends the low @size bytes, 1, 2, 4 or 8. */
static inline u64 vuser_insn_zext(u64 val, u32 size)
{
	return size < 8 ? val & (((u64)1 << (8 * size)) - 1) : val;
}

/* Sign-extends the low @size bytes, 1 to 8. */
static inline u64 vuser_insn_sext(u64 val, u32 size)
{
	u32 shift = 64 - 8 * size;

	return (u64)((s64)(val << shift) >> shift);
}

/* The value of a general register as an operand of @size bytes. */
static inline u64 vuser_insn_get_reg(const struct vuser_regs *regs, u32 reg,
				     u32 size, bool high)
{
	return vuser_insn_zext(regs->gpr[reg] >> (high ? 8 : 0), size);
}

#endif /* VUSER_INSN_H */
