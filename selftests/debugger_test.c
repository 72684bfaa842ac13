// SPDX-License-Identifier: GPL-2.0
/*
 * Debuggers, tracers and core dumps of a consumer: what they do at an instruction that
 * traps, and what they see of mapped regions.
 */
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "lib/consumer.h"
#include "lib/fault.h"

CONSUMER_FIXTURE

#define MEM  TESTDEV_REG_MEMORY
#define PAGE 0x1000UL

/* Probed code --------------------------------------------------------------- */

/*
 * The instruction that is probed is at the start of each function, except in
 * probed_copy().  The instruction after it would crash or change the result if it were
 * executed twice or at another address.
 */
uint32_t probed_load(const volatile void *reg);
uint32_t probed_store(volatile void *reg, uint32_t value);
uint64_t probed_vector(const volatile void *reg);
uint32_t probed_copy(void *to, const volatile void *reg, unsigned long count);
void probed_refused(volatile void *reg);
extern const char probed_rep[];

/* clang-format off */
asm(".text\n"
    ".balign 64\n"
    "probed_load:\n"
    "	movl (%rdi), %eax\n"
    "	addl probed_one(%rip), %eax\n"
    "	ret\n"
    "probed_store:\n"
    "	movl %esi, (%rdi)\n"
    "	movl %esi, %eax\n"
    "	addl probed_one(%rip), %eax\n"
    "	ret\n"
    "probed_vector:\n"
    "	movups (%rdi), %xmm0\n"
    "	movq %xmm0, %rax\n"
    "	addq probed_one(%rip), %rax\n"
    "	ret\n"
    "probed_copy:\n"
    "	movq %rdx, %rcx\n"
    "probed_rep:\n"
    "	rep movsb\n"
    "	movl probed_one(%rip), %eax\n"
    "	ret\n"
    "probed_refused:\n"
    "	fxrstor (%rdi)\n"
    "	ret\n"
    ".balign 8\n"
    "probed_one: .quad 1\n");
/* clang-format on */

/* The offset of @insn in this program's file; the path of the file is /proc/self/exe. */
static uint64_t file_offset(const void *insn)
{
	uint64_t start, end, off, found = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &off) == 3 &&
		    (uintptr_t)insn >= start && (uintptr_t)insn < end)
			found = (uintptr_t)insn - start + off;
	if (maps)
		fclose(maps);
	return found;
}

/* Sets a uprobe for all threads of this process; returns the event, or -errno. */
static int uprobe_open(const void *insn)
{
	static char path[256];
	struct perf_event_attr attr = { .size = sizeof(attr) };
	FILE *type = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int n = type ? fscanf(type, "%u", &attr.type) : 0, fd;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (type)
		fclose(type);
	if (n != 1 || len < 0)
		return -ENOENT;
	path[len] = '\0';
	attr.config1 = (uintptr_t)path;
	attr.config2 = file_offset(insn);
	attr.inherit = 1;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool have_uprobes(void)
{
	return !access("/sys/bus/event_source/devices/uprobe/type", R_OK);
}

/* Removes the uprobe and returns how often it was hit. */
static uint64_t uprobe_close(int fd)
{
	uint64_t hits = 0;

	if (read(fd, &hits, sizeof(hits)) != sizeof(hits))
		hits = UINT64_MAX;
	close(fd);
	return hits;
}

/* uprobes ------------------------------------------------------------------- */

/* Calls @call with a uprobe on @insn, which must be hit @times. */
#define PROBED(insn, times, call)                      \
	do {                                           \
		int fd_ = uprobe_open(insn);           \
                                                       \
		ASSERT_LE(0, fd_);                     \
		call;                                  \
		EXPECT_EQ((times), uprobe_close(fd_)); \
	} while (0)

TEST_F(consumer, uprobe_on_a_trapped_instruction_counts_and_continues)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	uint32_t value = 0x51525354;
	char copy[8];

	if (!have_uprobes())
		SKIP(return, "CONFIG_UPROBE_EVENTS is not set");
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, "abcdefgh", 8));
	PROBED(probed_load, 1,
	       EXPECT_EQ(TESTDEV_ID + 1, probed_load(bar + TESTDEV_REG_ID)));
	PROBED(probed_vector, 1,
	       EXPECT_EQ(0x6867666564636262, probed_vector(bar + MEM)));
	/* The probe is hit before each element, as without a trap. */
	PROBED(probed_rep, 8,
	       EXPECT_EQ(1, probed_copy(copy, bar + MEM, sizeof(copy))));
	EXPECT_EQ(0, memcmp(copy, "abcdefgh", sizeof(copy)));
	ASSERT_EQ(0, testdev_log_clear(&shared));
	PROBED(probed_store, 1,
	       EXPECT_EQ(value + 1, probed_store(bar + MEM, value)));
	ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0x51525354, value);
	/* The store, and pread. */
	EXPECT_EQ(2, testdev_log_count(&shared));
}

static const void *fault_ip;

static void on_refused(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	fault_ip = (void *)uc->uc_mcontext.gregs[REG_RIP];
	siglongjmp(fault_env, sig);
}

/* The signal names the instruction in the program, not its copy. */
TEST_F(consumer,
       uprobe_on_a_refused_instruction_raises_sigbus_at_the_instruction)
{
	struct sigaction sa = { .sa_sigaction = on_refused,
				.sa_flags = SA_SIGINFO };
	volatile unsigned char *bar = map_bar0(self->dev.device);
	int sig;

	if (!have_uprobes())
		SKIP(return, "CONFIG_UPROBE_EVENTS is not set");
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, sigaction(SIGBUS, &sa, NULL));
	PROBED(probed_refused, 1, {
		sig = sigsetjmp(fault_env, 1);
		if (!sig)
			probed_refused(bar + MEM);
		EXPECT_EQ(SIGBUS, sig);
	});
	signal(SIGBUS, SIG_DFL);
	EXPECT_EQ((const void *)probed_refused, fault_ip);
	EXPECT_EQ(TESTDEV_ID + 1, probed_load(bar + TESTDEV_REG_ID));
}

struct loads {
	volatile unsigned char *bar;
	atomic_bool stop;
	unsigned long good, bad;
};

static void *load_often(void *data)
{
	struct loads *loads = data;

	while (!atomic_load(&loads->stop)) {
		if (probed_load(loads->bar + TESTDEV_REG_ID) == TESTDEV_ID + 1)
			loads->good++;
		else
			loads->bad++;
	}
	return NULL;
}

/* An instruction may have become a breakpoint when the kernel reads its bytes. */
TEST_F(consumer, uprobes_can_be_set_and_removed_while_the_instruction_traps)
{
	struct loads loads = { .bar = map_bar0(self->dev.device) };
	pthread_t thread;
	int i, fd;

	if (!have_uprobes())
		SKIP(return, "CONFIG_UPROBE_EVENTS is not set");
	ASSERT_NE(MAP_FAILED, loads.bar);
	ASSERT_EQ(0, pthread_create(&thread, NULL, load_often, &loads));
	for (i = 0; i < 100; i++) {
		fd = uprobe_open(probed_load);
		ASSERT_LE(0, fd);
		close(fd);
	}
	atomic_store(&loads.stop, true);
	pthread_join(thread, NULL);
	EXPECT_LT(0, loads.good);
	EXPECT_EQ(0, loads.bad);
}

/* Single steps -------------------------------------------------------------- */

extern const char stepped[], stepped_end[];

/* Stops before a trapped load, for its tracer. */
static void __attribute__((noinline)) step_here(volatile unsigned char *p)
{
	asm volatile("int3\n"
		     "stepped: movl (%0), %%eax\n"
		     "stepped_end: nop; nop; nop"
		     :
		     : "r"(p)
		     : "rax", "memory");
}

/* Starts a tracee that stops at `stepped`; its SIGTRAP may be blocked. */
static pid_t start_stepped(volatile unsigned char *reg, bool block)
{
	sigset_t set;
	int status;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		step_here(reg);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	if (block && ptrace(PTRACE_SETSIGMASK, pid, 8, &set))
		return -1;
	return pid;
}

static uint64_t rip_of(pid_t pid)
{
	struct user_regs_struct regs;

	return ptrace(PTRACE_GETREGS, pid, NULL, &regs) ? 0 : regs.rip;
}

/* Lets the tracee make one step; returns the signal that stops it. */
static int step(pid_t pid, int how)
{
	int status;

	if (ptrace(how, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

static int finish(pid_t pid)
{
	int status = -1;

	ptrace(PTRACE_CONT, pid, NULL, NULL);
	waitpid(pid, &status, 0);
	return status;
}

/* The debugger cannot tell the step from one over any other instruction. */
TEST_F(consumer, single_step_over_a_trap_has_the_siginfo_of_a_step)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	siginfo_t trapped, native;
	long dr6;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, bar);
	pid = start_stepped(bar + TESTDEV_REG_ID, false);
	ASSERT_LT(0, pid);
	ASSERT_EQ((uintptr_t)stepped, rip_of(pid));
	ASSERT_EQ(SIGTRAP, step(pid, PTRACE_SINGLESTEP));
	EXPECT_EQ((uintptr_t)stepped_end, rip_of(pid));
	ASSERT_EQ(0, ptrace(PTRACE_GETSIGINFO, pid, NULL, &trapped));
	EXPECT_EQ((void *)stepped_end, trapped.si_addr);
	dr6 = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[6]),
		     NULL);
	EXPECT_EQ(1 << 14, dr6 & 1 << 14);
	ASSERT_EQ(SIGTRAP, step(pid, PTRACE_SINGLESTEP));
	EXPECT_EQ((uintptr_t)stepped_end + 1, rip_of(pid));
	ASSERT_EQ(0, ptrace(PTRACE_GETSIGINFO, pid, NULL, &native));
	EXPECT_EQ(native.si_code, trapped.si_code);
	EXPECT_EQ(native.si_errno, trapped.si_errno);
	EXPECT_EQ(0, finish(pid));
}

/* As without a trap, the signal of a step ends the blocking of SIGTRAP. */
TEST_F(consumer, single_step_over_a_trap_stops_if_sigtrap_is_blocked)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, bar);
	pid = start_stepped(bar + TESTDEV_REG_ID, true);
	ASSERT_LT(0, pid);
	ASSERT_EQ(SIGTRAP, step(pid, PTRACE_SINGLESTEP));
	EXPECT_EQ((uintptr_t)stepped_end, rip_of(pid));
	EXPECT_EQ(0, finish(pid));
}

/* A trapped instruction is not a branch. */
TEST_F(consumer, step_to_the_next_branch_does_not_stop_after_a_trap)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, bar);
	pid = start_stepped(bar + TESTDEV_REG_ID, false);
	ASSERT_LT(0, pid);
	ASSERT_EQ(SIGTRAP, step(pid, PTRACE_SINGLEBLOCK));
	EXPECT_NE((uintptr_t)stepped_end, rip_of(pid));
	EXPECT_EQ(0, finish(pid));
}

static volatile sig_atomic_t nr_steps;
static void *step_addr[8];
static int step_code[8];

static void on_step(int sig, siginfo_t *info, void *context)
{
	int i = nr_steps++;

	if (i < 8) {
		step_addr[i] = info->si_addr;
		step_code[i] = info->si_code;
	}
}

extern const char self_stepped_end[], self_stepped_next[];

/* Sets TF itself, traps, and clears TF. */
static void __attribute__((noinline)) step_itself(volatile unsigned char *p)
{
	asm volatile("pushfq\n"
		     "orl $0x100, (%%rsp)\n"
		     "popfq\n"
		     "movl (%0), %%eax\n"
		     "self_stepped_end: nop\n"
		     "self_stepped_next: pushfq\n"
		     "andl $~0x100, (%%rsp)\n"
		     "popfq"
		     :
		     : "r"(p)
		     : "rax", "memory", "cc");
}

TEST_F(consumer, program_that_steps_itself_gets_a_signal_after_a_trap)
{
	struct sigaction sa = { .sa_sigaction = on_step,
				.sa_flags = SA_SIGINFO };
	volatile unsigned char *bar = map_bar0(self->dev.device);

	ASSERT_NE(MAP_FAILED, bar);
	nr_steps = 0;
	ASSERT_EQ(0, sigaction(SIGTRAP, &sa, NULL));
	step_itself(bar + TESTDEV_REG_ID);
	signal(SIGTRAP, SIG_DFL);
	ASSERT_LE(2, nr_steps);
	EXPECT_EQ((void *)self_stepped_end, step_addr[0]);
	EXPECT_EQ((void *)self_stepped_next, step_addr[1]);
	EXPECT_EQ(step_code[1], step_code[0]);
}

/* The registers of the device from outside ------------------------------------ */

/* A child that waits, with everything mapped that the test has mapped. */
static pid_t start_idle(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

static void end_idle(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Tries to read and write at @addr of another process, in each way there is. */
static void try_from_outside(struct __test_metadata *_metadata, pid_t pid,
			     volatile void *addr)
{
	char path[64], byte = 1;
	struct iovec mine = { &byte, 1 }, theirs = { (void *)addr, 1 };
	int status, fd;

	EXPECT_EQ(-1, process_vm_readv(pid, &mine, 1, &theirs, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, process_vm_writev(pid, &mine, 1, &theirs, 1, 0));
	EXPECT_EQ(EFAULT, errno);

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, pread(fd, &byte, 1, (off_t)addr));
	EXPECT_EQ(-1, pwrite(fd, &byte, 1, (off_t)addr));
	close(fd);

	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	errno = 0;
	EXPECT_EQ(-1, ptrace(PTRACE_PEEKDATA, pid, addr, NULL));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, ptrace(PTRACE_POKEDATA, pid, addr, NULL));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

/*
 * As with vfio-pci: a debugger that looks at memory must not change the device's
 * state.
 */
TEST_F(consumer, other_processes_cannot_access_mapped_regions)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	volatile unsigned char *area;
	pid_t pid;

	area = region_mmap(self->dev.device, BAR(4), 0, TESTDEV_BAR4_SIZE,
			   PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_NE(MAP_FAILED, area);
	area[0] = 77;
	pid = start_idle();
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	try_from_outside(_metadata, pid, bar + MEM);
	try_from_outside(_metadata, pid, area);
	EXPECT_EQ(0, testdev_log_count(&shared));
	EXPECT_EQ(77, area[0]);
	end_idle(pid);
}

/* A watchpoint is a limit: the kernel makes the access, not the program. */
TEST_F(consumer, hardware_watchpoint_on_a_register_does_not_stop_the_program)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, bar);
	pid = start_stepped(bar + TESTDEV_REG_ID, false);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid,
			    offsetof(struct user, u_debugreg[0]),
			    bar + TESTDEV_REG_ID));
	/* Stop at reads and writes of 4 bytes. */
	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid,
			    offsetof(struct user, u_debugreg[7]), 0xf0001));
	EXPECT_EQ(0, finish(pid));
}

/* seccomp ------------------------------------------------------------------- */

/* Loads and stores are not system calls. */
TEST_F(consumer, registers_work_under_seccomp)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { 4, filter };
	volatile unsigned char *bar = map_bar0(self->dev.device);
	int status;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, bar);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
			_exit(2);
		*(volatile uint32_t *)(bar + MEM) = 0x1234;
		_exit(*(volatile uint32_t *)(bar + TESTDEV_REG_ID) !=
			      TESTDEV_ID ||
		      *(volatile uint32_t *)(bar + MEM) != 0x1234);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Core dumps ---------------------------------------------------------------- */

#define CORE "/tmp/vuser-core"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -errno : 0;
}

/* The size in the core file of the mapping at @addr; -1 if it has no header. */
static long dumped_size(const volatile void *addr)
{
	int fd = open(CORE, O_RDONLY | O_CLOEXEC);
	long found = -1;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int i;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		eh.e_phnum = 0;
	for (i = 0; i < eh.e_phnum; i++)
		if (pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)) ==
			    sizeof(ph) &&
		    ph.p_type == PT_LOAD && (uintptr_t)addr >= ph.p_vaddr &&
		    (uintptr_t)addr < ph.p_vaddr + ph.p_memsz)
			found = ph.p_filesz;
	if (fd >= 0)
		close(fd);
	return found;
}

TEST_F(consumer, core_dump_has_no_registers_and_does_not_access_them)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	volatile unsigned char *bar = map_bar0(self->dev.device);
	volatile unsigned char *area;
	char old[128] = "core";
	int fd, status;
	pid_t pid;

	area = region_mmap(self->dev.device, BAR(4), 0, TESTDEV_BAR4_SIZE,
			   PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_NE(MAP_FAILED, area);
	area[0] = 77;
	fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, read(fd, old, sizeof(old) - 1));
	close(fd);
	ASSERT_EQ(0, write_file("/proc/sys/kernel/core_pattern", CORE));
	ASSERT_EQ(0, testdev_log_clear(&shared));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &limit);
		prctl(PR_SET_DUMPABLE, 1);
		/* Dump mappings of all kinds. */
		write_file("/proc/self/coredump_filter", "0xff");
		abort();
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	write_file("/proc/sys/kernel/core_pattern", old);
	EXPECT_TRUE(WIFSIGNALED(status) && WCOREDUMP(status));
	EXPECT_EQ(0, dumped_size(bar));
	EXPECT_EQ(0, dumped_size(area));
	EXPECT_LT(0, dumped_size(old));
	EXPECT_EQ(0, testdev_log_count(&shared));
	unlink(CORE);
}

SHARED_MAIN(NULL)
