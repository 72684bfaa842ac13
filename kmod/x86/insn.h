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
	VUSER_INSN_MOV,		/* also movzx, movsx, movnti, movdiri, setcc, xlat */
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
	VUSER_INSN_ROL,
	VUSER_INSN_ROR,
	VUSER_INSN_RCL,
	VUSER_INSN_RCR,
	VUSER_INSN_SHL,
	VUSER_INSN_SHR,
	VUSER_INSN_SAR,
	VUSER_INSN_SHLD,
	VUSER_INSN_SHRD,
	VUSER_INSN_IMUL,
	VUSER_INSN_MUL_WIDE,	/* mul and imul with a product in DX:AX */
	VUSER_INSN_BSF,
	VUSER_INSN_BSR,
	VUSER_INSN_TZCNT,
	VUSER_INSN_LZCNT,
	VUSER_INSN_CMOV,
	VUSER_INSN_CRC32,
	VUSER_INSN_ADCX,
	VUSER_INSN_ADOX,
	VUSER_INSN_ANDN,
	VUSER_INSN_BEXTR,
	VUSER_INSN_BLSR,
	VUSER_INSN_BLSMSK,
	VUSER_INSN_BLSI,
	VUSER_INSN_BZHI,
	VUSER_INSN_PDEP,
	VUSER_INSN_PEXT,
	VUSER_INSN_MULX,
	VUSER_INSN_RORX,
	VUSER_INSN_SARX,
	VUSER_INSN_SHLX,
	VUSER_INSN_SHRX,
	VUSER_INSN_STOS,
	VUSER_INSN_LODS,
	VUSER_INSN_SCAS,

	/* Up to here: one operand in memory, of at most 8 bytes. */
	VUSER_INSN_NOP,		/* flushes and prefetches */
	VUSER_INSN_CMPXCHG_PAIR, /* cmpxchg8b, cmpxchg16b */
	VUSER_INSN_CMPS,

	/* These copy from @from to @addr. */
	VUSER_INSN_MOVS,
	VUSER_INSN_POP,
	VUSER_INSN_PUSH,
	VUSER_INSN_MOVDIR64B,
	VUSER_INSN_ENQCMD,

	VUSER_INSN_X87,		/* x87 registers: see enum vuser_x87_op */
	VUSER_INSN_VEC,		/* vector registers: see enum vuser_vec_op */
};

/* The operations of x87 instructions: loads, then stores. */
enum vuser_x87_op {
	VUSER_X87_LOAD,		/* fld */
	VUSER_X87_LOAD_INT,	/* fild */
	VUSER_X87_LOAD_CONTROL,	/* fldcw */
	VUSER_X87_STORE,	/* fst, fstp */
	VUSER_X87_STORE_INT,	/* fist, fistp */
	VUSER_X87_TRUNCATE,	/* fisttp */
	VUSER_X87_STORE_CONTROL, /* fnstcw */
	VUSER_X87_STORE_STATUS,	/* fnstsw */
};

/*
 * The operations of instructions with a vector register.  The operations from
 * VUSER_VEC_AND on have three operands: the result, the register @reg2, and
 * memory.
 */
enum vuser_vec_op {
	VUSER_VEC_MOVE,		/* a load or a store */
	VUSER_VEC_BROADCAST,	/* a load, repeated up to the vector length */
	VUSER_VEC_INSERT,	/* the register @reg2 with a part from memory */
	VUSER_VEC_MASKMOV,	/* masked by the signs of the elements of @reg2 */
	VUSER_VEC_TEST,		/* ptest: sets flags */
	VUSER_VEC_AND,
	VUSER_VEC_ANDN,
	VUSER_VEC_OR,
	VUSER_VEC_XOR,
	VUSER_VEC_ADD,
	VUSER_VEC_SUB,
	VUSER_VEC_ADDUS,	/* unsigned, with saturation */
	VUSER_VEC_SUBUS,
	VUSER_VEC_MINU,
	VUSER_VEC_MAXU,
	VUSER_VEC_MINS,
	VUSER_VEC_MAXS,
	VUSER_VEC_CMPEQ,
	VUSER_VEC_CMPGT,
	VUSER_VEC_CMPU,		/* with a predicate in @imm */
	VUSER_VEC_CMPS,
	VUSER_VEC_TESTM,
	VUSER_VEC_TESTNM,
	VUSER_VEC_TERNLOG,
};

/**
 * struct vuser_insn - a decoded instruction with its access to memory
 * @op: operation
 * @len: length of the instruction, bytes
 * @size: size of the access, bytes: 1, 2, 4 or 8; for the operations from
 *	VUSER_INSN_NOP on, up to 64
 * @load: memory is read
 * @store: memory is written (by CMPXCHG only if the comparison finds equality)
 * @lock: the access is locked; XCHG is locked even without a LOCK prefix
 * @to_reg: the register is the first operand, and gets the result if the
 *	instruction has a result.  Otherwise memory is the first operand
 * @reg: number of the register operand, general or vector
 * @reg_size: bytes of the register that the result replaces
 * @reg_high: the register is AH, CH, DH or BH (then @reg is AX, CX, DX or BX)
 * @sign: the loaded value is sign-extended to @reg_size, otherwise
 *	zero-extended; MUL_WIDE: the product is signed
 * @rep: the instruction is repeated until CX is 0
 * @until: CMPS and SCAS with @rep: also until ZF is 1 (otherwise until it is 0)
 * @aligned: the processor requires that @addr is aligned to @size
 * @bit: BT, BTS, BTR and BTC: number of the bit in the operand; shifts:
 *	distance; CMOV: the condition
 * @addr_size: bytes of the address registers that are used, 4 or 8
 * @reg2: number of a second register operand, general or vector
 * @x87_op: X87: operation
 * @pop: X87: the register stack is popped
 * @vec_op: VEC: operation
 * @vec_len: VEC: bytes of the register that take part, up to 64
 * @vec_at: VEC: first byte of the register that is stored or inserted
 * @elem: VEC: bytes of an element
 * @vex: VEC: VEX or EVEX encoding: clears the register above @vec_len
 * @repeat: VEC: memory has one element, which stands for all
 * @mask: VEC: number of the mask register, or 0
 * @zeroing: VEC: elements that are masked out become 0, otherwise stay
 * @to_mask: VEC: the result goes to the mask register @reg
 * @imm: VEC: the immediate
 * @operand: value of the immediate or of the register, zero-extended from @size
 * @operand2: value of the general register @reg2
 * @addr: address of the access; of two accesses, that of the destination
 * @from: CMPS and the operations that copy: address of the (first) source
 *
 * A string operation accesses one element.  A repeated instruction is decoded
 * and emulated once for each element, and does not advance the ip while elements
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
	bool until;
	bool aligned;
	u8 bit;
	u8 addr_size;
	u8 reg2;
	u8 x87_op;
	bool pop;
	u8 vec_op;
	u8 vec_len;
	u8 vec_at;
	u8 elem;
	bool vex;
	bool repeat;
	u8 mask;
	bool zeroing;
	bool to_mask;
	u8 imm;
	u64 operand;
	u64 operand2;
	u64 addr;
	u64 from;
};

/* True if the instruction copies memory to memory. */
static inline bool vuser_insn_copies(const struct vuser_insn *insn)
{
	return insn->op >= VUSER_INSN_MOVS && insn->op <= VUSER_INSN_ENQCMD;
}

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
