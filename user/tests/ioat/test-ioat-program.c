// SPDX-License-Identifier: GPL-2.0
/* The program vuser-ioat: options, errors, signals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <vuser/client.h>

#include "../../devices/ioat/regs.h"
#include "expect.h"

static char program[4096];
static char dir[32];
static char output[65536];

static void find_program(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 16);
	char *slash;

	if (n < 0)
		bail("readlink: %s", strerror(errno));
	program[n] = 0;
	slash = strrchr(program, '/');
	strcpy(slash + 1, "vuser-ioat");
}

static pid_t spawn(char *const argv[], int out)
{
	pid_t pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		execv(program, argv);
		_exit(127);
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Return the last line of the output. */
static const char *last_line(void)
{
	size_t at = strlen(output);

	while (at > 1 && output[at - 2] != '\n')
		at--;
	return output + (at ? at - 1 : 0);
}

/* Run the program to its end; its output is in @output. */
static int run(char *const argv[])
{
	size_t len = 0;
	int fds[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		bail("pipe: %s", strerror(errno));
	pid = spawn(argv, fds[1]);
	close(fds[1]);
	while ((n = read(fds[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += n;
	output[len] = 0;
	close(fds[0]);
	return status_of(pid);
}

#define RUN(...) run((char *const[]) { "vuser-ioat", __VA_ARGS__, NULL })

/* Create the socket that a service manager has for sd_notify(3). */
static int notify_socket(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", dir);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		bail("cannot create a socket: %s", strerror(errno));
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	return fd;
}

static bool ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[256];
	ssize_t n;

	if (poll(&p, 1, 10000) != 1)
		return false;
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	if (n < 0)
		return false;
	buf[n] = 0;
	return strstr(buf, "READY=1");
}

/* Start a copy that takes longer than the test. */
static bool keep_busy(struct vuser_client *client)
{
	uint32_t bar = VFIO_PCI_BAR0_REGION_INDEX;
	struct ioat_desc desc = {
		.size = 65536,
		.src = 0x10000,
		.dst = 0x20000,
		.next = 0,
	};
	uint32_t rw = VFIO_USER_DMA_MAP_READ | VFIO_USER_DMA_MAP_WRITE;
	int fd = memfd_create("test-ioat-program", MFD_CLOEXEC);
	uint16_t command = PCI_COMMAND_MASTER, count = 65535;
	uint64_t chain = 0, status = 7;
	bool ok;

	ok = fd >= 0 && !ftruncate(fd, 0x40000) &&
	     pwrite(fd, &desc, sizeof(desc), 0) == sizeof(desc) &&
	     !vuser_client_dma_map(client, 0, 0x40000, rw, fd, 0) &&
	     !vuser_client_write(client, VFIO_PCI_CONFIG_REGION_INDEX,
				 PCI_COMMAND, &command, 2) &&
	     !vuser_client_write(client, bar, IOAT_CHAINADDR, &chain, 8) &&
	     !vuser_client_write(client, bar, IOAT_DMACOUNT, &count, 2) &&
	     !vuser_client_read(client, bar, IOAT_CHANSTS, &status, 8) &&
	     (status & IOAT_CHANSTS_STATE) == IOAT_ACTIVE;
	close(fd);
	return ok;
}

static bool answers(const char *path, struct vuser_client **client)
{
	uint8_t version = 0;

	return !vuser_client_new(path, NULL, 10000, NULL, NULL, client) &&
	       !vuser_client_read(*client, VFIO_PCI_BAR0_REGION_INDEX, 8,
				  &version, 1) &&
	       version == 0x33;
}

static int notify;

static void setup(void)
{
	find_program();
	strcpy(dir, "/tmp/test-ioat-XXXXXX");
	if (!mkdtemp(dir))
		bail("mkdtemp: %s", strerror(errno));
	notify = notify_socket();
}

static void teardown(void)
{
	char path[128];

	close(notify);
	snprintf(path, sizeof(path), "%s/notify", dir);
	unlink(path);
	rmdir(dir);
}

TEST(invalid_options_are_refused_with_a_message)
{
	static char long_path[200];

	setup();
	expect(RUN("--help") == 0 && strstr(output, "--no-fd-dma"), "--help");
	expect(RUN("--version") == 0 && !strncmp(output, "vuser-ioat ", 11),
	       "--version");
	expect(RUN("--frobnicate") == EX_USAGE && strstr(output, "--help"),
	       "an unknown option is refused");
	expect(RUN("file") == EX_USAGE && strstr(output, "'file'"),
	       "an unexpected argument is refused");
	expect(RUN("--copy-baseline", "100") == 0 && atof(last_line()) > 0,
	       "--copy-baseline");
	expect(RUN("--max-dma-maps", "0") == EX_USAGE, "--max-dma-maps 0");
	expect(RUN("--max-dma-maps", "65536") == EX_USAGE,
	       "--max-dma-maps 65536");
	expect(RUN("--max-dma-maps", "8x") == EX_USAGE, "--max-dma-maps 8x");
	expect(RUN("--copy-baseline", "0") == EX_USAGE, "--copy-baseline 0");
	expect(RUN("--copy-baseline", "ten") == EX_USAGE,
	       "--copy-baseline ten");
	expect(RUN("-s", "/nonexistent/sock") == EX_CANTCREAT &&
		       strstr(output, "/nonexistent/sock: No such file"),
	       "a socket in a nonexistent directory is refused");
	memset(long_path, 'x', sizeof(long_path) - 1);
	expect(RUN("-s", long_path) == EX_CANTCREAT &&
		       strstr(output, "too long") &&
		       strstr(output, "last name has at most 82"),
	       "a name that is too long is refused");
	expect(RUN("-s", dir) == EX_CANTCREAT && strstr(output, dir),
	       "a directory");
	expect(RUN("--state", "/nonexistent/state") == EX_UNAVAILABLE &&
		       strstr(output, "create the directory first"),
	       "a state file in a nonexistent directory is refused");
	teardown();
}

static void try_signal(int sig, const char *name)
{
	struct vuser_client *client = NULL;
	char path[128];
	struct stat st;
	pid_t pid;

	setup();
	snprintf(path, sizeof(path), "%s/sock", dir);
	pid = spawn((char *const[]) { "vuser-ioat", "-s", path, NULL },
		    STDERR_FILENO);
	expect(ready(notify), "%s: the program reports that it is ready", name);
	expect(answers(path, &client), "%s: it serves a client", name);
	expect(RUN("-s", path) == EX_CANTCREAT && strstr(output, "in use"),
	       "%s: a second process cannot listen at its socket", name);
	expect(keep_busy(client), "%s: copies", name);
	kill(pid, sig);
	expect(status_of(pid) == 0, "%s: it exits with status 0 during a copy",
	       name);
	expect(stat(path, &st) < 0 && errno == ENOENT,
	       "%s: it removes its socket", name);
	vuser_client_free(client);
	teardown();
}

TEST(sigterm_ends_the_program_and_removes_its_socket)
{
	try_signal(SIGTERM, "SIGTERM");
}

TEST(sigint_ends_the_program_and_removes_its_socket)
{
	try_signal(SIGINT, "SIGINT");
}

/* A killed program leaves its socket; the next program replaces it. */
TEST(socket_of_a_killed_program_is_replaced)
{
	struct vuser_client *client = NULL;
	char path[128];
	pid_t pid;

	setup();
	snprintf(path, sizeof(path), "%s/sock", dir);
	pid = spawn((char *const[]) { "vuser-ioat", "-s", path, NULL },
		    STDERR_FILENO);
	ready(notify);
	kill(pid, SIGKILL);
	status_of(pid);
	expect(access(path, F_OK) == 0,
	       "the socket of a killed program still exists");
	pid = spawn((char *const[]) { "vuser-ioat", "--socket", path, NULL },
		    STDERR_FILENO);
	expect(ready(notify) && answers(path, &client),
	       "the next program listens at it");
	vuser_client_free(client);
	kill(pid, SIGTERM);
	status_of(pid);
	teardown();
}

TEST(program_listens_at_a_path_longer_than_a_socket_address)
{
	char deep[200], path[256];
	struct vuser_client *client = NULL;
	pid_t pid;

	setup();
	snprintf(deep, sizeof(deep), "%s/%0120d", dir, 0);
	snprintf(path, sizeof(path), "%s/sock", deep);
	if (mkdir(deep, 0755))
		bail("mkdir: %s", strerror(errno));
	pid = spawn((char *const[]) { "vuser-ioat", "-s", path, NULL },
		    STDERR_FILENO);
	expect(ready(notify) && answers(path, &client), "it serves a client");
	expect(RUN("-s", path) == EX_CANTCREAT && strstr(output, "in use"),
	       "a second process cannot listen at its socket");
	kill(pid, SIGTERM);
	expect(status_of(pid) == 0, "it exits with status 0");
	expect(rmdir(deep) == 0, "it removes its socket");
	vuser_client_free(client);
	teardown();
}

/* A driver's view of a device that was set up. */

#define BAR    VFIO_PCI_BAR0_REGION_INDEX
#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define TABLE  IOAT_MSIX_TABLE

static uint64_t rd(struct vuser_client *client, uint32_t region,
		   uint64_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (vuser_client_read(client, region, offset, &value, size))
		bail("cannot read at %#lx", (unsigned long)offset);
	return value;
}

static void wr(struct vuser_client *client, uint32_t region, uint64_t offset,
	       uint32_t size, uint64_t value)
{
	if (vuser_client_write(client, region, offset, &value, size))
		bail("cannot write at %#lx", (unsigned long)offset);
}

static void set_up(struct vuser_client *client)
{
	wr(client, CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(client, CONFIG, PCI_INTERRUPT_LINE, 1, 0x5a);
	wr(client, BAR, IOAT_GENCTRL, 1, 1);
	wr(client, BAR, IOAT_INTRDELAY, 2, 0x1234);
	wr(client, BAR, TABLE, 8, 0xfee00000);
	wr(client, BAR, IOAT_CHANCMP, 8, 0x8000);
	wr(client, BAR, IOAT_CHANERRMASK, 4, 0x77);
	wr(client, BAR, IOAT_CHAINADDR, 8, 0);
}

static bool is_set_up(struct vuser_client *client)
{
	return rd(client, CONFIG, PCI_COMMAND, 2) == PCI_COMMAND_MASTER &&
	       rd(client, CONFIG, PCI_INTERRUPT_LINE, 1) == 0x5a &&
	       rd(client, BAR, IOAT_GENCTRL, 1) == 1 &&
	       rd(client, BAR, IOAT_INTRDELAY, 2) == 0x1234 &&
	       rd(client, BAR, TABLE, 8) == 0xfee00000 &&
	       rd(client, BAR, IOAT_CHANCMP, 8) == 0x8000 &&
	       rd(client, BAR, IOAT_CHANERRMASK, 4) == 0x77;
}

static unsigned int state_of(struct vuser_client *client)
{
	return rd(client, BAR, IOAT_CHANSTS, 8) & IOAT_CHANSTS_STATE;
}

/* Map 256 KiB of a file, which has a descriptor at 0 that is its own next one. */
static bool map_memory(struct vuser_client *client, int fd)
{
	return !vuser_client_dma_map(
		client, 0, 0x40000,
		VFIO_USER_DMA_MAP_READ | VFIO_USER_DMA_MAP_WRITE, fd, 0);
}

static int memory_file(void)
{
	const struct ioat_desc desc = {
		.size = 65536,
		.control = IOAT_DESC_COMPLETION,
		.src = 0x10000,
		.dst = 0x20000,
	};
	int fd = memfd_create("test-ioat-program", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 0x40000) ||
	    pwrite(fd, &desc, sizeof(desc), 0) != sizeof(desc))
		bail("memfd: %s", strerror(errno));
	return fd;
}

static pid_t start_with(const char *socket, const char *state)
{
	pid_t pid = spawn((char *const[]) { "vuser-ioat", "-s", (char *)socket,
					    "--state", (char *)state, NULL },
			  STDERR_FILENO);

	if (!ready(notify))
		bail("the program does not start");
	return pid;
}

/**
 * struct kept - a program with a state file, its client and the memory of the client
 * @sock: path of its socket
 * @file: path of its state file
 * @memory: file of the memory
 * @client: the client
 * @pid: the program
 */
struct kept {
	char sock[128];
	char file[128];
	int memory;
	struct vuser_client *client;
	pid_t pid;
};

/* Start the program, and set the device up. */
static void begin_kept(struct kept *kept)
{
	setup();
	snprintf(kept->sock, sizeof(kept->sock), "%s/sock", dir);
	snprintf(kept->file, sizeof(kept->file), "%s/state", dir);
	kept->memory = memory_file();
	kept->client = NULL;
	kept->pid = start_with(kept->sock, kept->file);
	require(answers(kept->sock, &kept->client) &&
		map_memory(kept->client, kept->memory));
	set_up(kept->client);
}

static void connect_kept(struct kept *kept)
{
	vuser_client_free(kept->client);
	require(!vuser_client_new(kept->sock, NULL, 10000, NULL, NULL,
				  &kept->client));
}

/* Wait until the chain of the client ends. */
static void end_chain(struct kept *kept)
{
	while (state_of(kept->client) == IOAT_ACTIVE)
		;
	expect(state_of(kept->client) == IOAT_IDLE, "the chain ends");
}

static void end_kept(struct kept *kept)
{
	vuser_client_free(kept->client);
	kill(kept->pid, SIGTERM);
	status_of(kept->pid);
	close(kept->memory);
	unlink(kept->file);
	teardown();
}

static void try_state(int sig)
{
	struct kept kept;
	int i;

	begin_kept(&kept);
	expect(state_of(kept.client) == IOAT_ARMED, "the chain is armed");
	wr(kept.client, BAR, IOAT_DMACOUNT, 2, 60000);
	for (i = 0; i < 5; i++) {
		kill(kept.pid, sig);
		status_of(kept.pid);
		kept.pid = start_with(kept.sock, kept.file);
		/* A client reads configuration space before it maps memory. */
		connect_kept(&kept);
		expect(rd(kept.client, CONFIG, PCI_INTERRUPT_LINE, 1) == 0x5a,
		       "start %d: configuration space", i);
		require(map_memory(kept.client, kept.memory));
		expect(is_set_up(kept.client), "start %d: registers", i);
		expect(rd(kept.client, BAR, IOAT_CHANERR, 4) == 0,
		       "start %d: no error", i);
	}
	end_chain(&kept);
	expect(rd(kept.client, BAR, IOAT_DMACOUNT, 2) == 60000, "DMACOUNT");
	expect(!vuser_client_reset(kept.client) &&
		       state_of(kept.client) == IOAT_HALTED,
	       "a reset resets");
	end_kept(&kept);
}

TEST(killed_program_goes_on_from_its_state_file)
{
	try_state(SIGKILL);
}

TEST(program_that_was_ended_goes_on_from_its_state_file)
{
	try_state(SIGTERM);
}

TEST(with_a_state_file_the_next_client_finds_the_state_of_the_last_one)
{
	struct kept kept;

	begin_kept(&kept);
	wr(kept.client, BAR, IOAT_DMACOUNT, 2, 20000);
	connect_kept(&kept);
	require(map_memory(kept.client, kept.memory));
	expect(is_set_up(kept.client), "registers");
	end_chain(&kept);
	end_kept(&kept);
}

TEST(state_file_of_another_process_or_program_is_refused)
{
	char sock[128], file[128], other[128];
	pid_t pid;
	int fd;

	setup();
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	snprintf(file, sizeof(file), "%s/state", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	pid = start_with(sock, file);
	expect(RUN("-s", other, "--state", file) == EX_TEMPFAIL &&
		       strstr(output, "in use by another process"),
	       "a second process cannot use the file");
	kill(pid, SIGKILL);
	status_of(pid);
	fd = open(file, O_WRONLY);
	require(fd >= 0 && pwrite(fd, "vuser-vhost", 12, 16) == 12);
	close(fd);
	expect(RUN("-s", other, "--state", file) == EX_DATAERR &&
		       strstr(output, "is the state file of vuser-vhost"),
	       "the file of another program is refused");
	unlink(sock);
	unlink(file);
	teardown();
}

/* The message ID of the last posted write that the state contains. */
static uint32_t last_write(struct vuser_client *client)
{
	struct vfio_user_last_write last = { .msg_id = 0 };

	if (vuser_client_feature(client,
				 VFIO_DEVICE_FEATURE_GET |
					 VFIO_USER_FEATURE_LAST_WRITE,
				 &last, 0, sizeof(last)) != sizeof(last))
		bail("no VFIO_USER_FEATURE_LAST_WRITE");
	return last.msg_id;
}

static void post(struct vuser_client *client, uint64_t offset, uint32_t value)
{
	if (vuser_client_post(client, BAR, offset, &value, sizeof(value)))
		bail("cannot post a write");
}

TEST(state_file_has_the_id_of_the_last_posted_write)
{
	struct vuser_client *client = NULL;
	char sock[128], file[128];
	uint32_t first, second;
	pid_t pid;

	setup();
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	snprintf(file, sizeof(file), "%s/state", dir);
	pid = start_with(sock, file);
	require(answers(sock, &client));
	expect(last_write(client) == VFIO_USER_NO_WRITE, "none at first");
	post(client, IOAT_CHANERRMASK, 1);
	first = last_write(client);
	wr(client, BAR, IOAT_CHANERRMASK, 4, 2);
	expect(last_write(client) == first, "a write with a reply is not one");
	post(client, IOAT_MSIX_TABLE, 3);
	second = last_write(client);
	expect(first != VFIO_USER_NO_WRITE && second != VFIO_USER_NO_WRITE &&
		       first != second,
	       "each has its own ID");
	kill(pid, SIGKILL);
	status_of(pid);
	vuser_client_free(client);
	pid = start_with(sock, file);
	require(answers(sock, &client));
	expect(last_write(client) == second, "the next process knows it");
	require(!vuser_client_reset(client));
	expect(last_write(client) == VFIO_USER_NO_WRITE, "none after a reset");
	vuser_client_free(client);
	kill(pid, SIGTERM);
	status_of(pid);
	unlink(file);
	teardown();
}

/* Start the program with a listening socket, as a service manager does. */
static pid_t start_activated(int sock)
{
	char *const argv[] = { "vuser-ioat", NULL };
	char number[16];
	pid_t pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		dup2(sock, SD_LISTEN_FDS_START);
		snprintf(number, sizeof(number), "%d", getpid());
		setenv("LISTEN_PID", number, 1);
		setenv("LISTEN_FDS", "1", 1);
		execv(program, argv);
		_exit(127);
	}
	if (!ready(notify))
		bail("the program does not start");
	return pid;
}

TEST(socket_of_the_service_manager_survives_the_program)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct vuser_client *client = NULL;
	int sock, fd;
	pid_t pid;

	setup();
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", dir);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(sock >= 0 &&
		!bind(sock, (struct sockaddr *)&addr, sizeof(addr)) &&
		!listen(sock, 1));
	pid = start_activated(sock);
	expect(answers(addr.sun_path, &client), "it serves a client");
	kill(pid, SIGKILL);
	status_of(pid);
	vuser_client_free(client);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	expect(!connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
	       "a client can connect while the program does not run");
	pid = start_activated(sock);
	expect(!vuser_client_new_fd(fd, NULL, 10000, NULL, NULL, &client) &&
		       rd(client, BAR, IOAT_CBVER, 1) == IOAT_VERSION,
	       "the next process serves this client");
	vuser_client_free(client);
	kill(pid, SIGTERM);
	expect(status_of(pid) == 0, "it ends");
	expect(!access(addr.sun_path, F_OK),
	       "the socket of the service manager stays");
	close(sock);
	unlink(addr.sun_path);
	teardown();
}
