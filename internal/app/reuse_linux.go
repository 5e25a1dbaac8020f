package app

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// SO_REUSEPORT lets several sockets listen at one address, and the kernel
// spreads new connections over them. It asks a program of theirs for the number
// of the one that gets a connection, if there is one. They are numbered as they
// began to listen; when one closes, the last one gets its number, and a number
// that nobody has is as good as no program.
//
// So each router, when it is ready to serve, begins to listen behind those who
// do so already and then installs a program that always answers with its own
// number. With two of them there is nothing to go wrong: when either closes,
// the other is alone, and gets everything whatever the program says. With three
// there would be, and waitForTurn does not let that happen.

// settled: a door that stops looks into its queue, and need not wait to know
// that it is empty.
const settled = 0

// backlog is cut down by the kernel to net.core.somaxconn.
const backlog = 1<<16 - 1

// sharedDoor takes a place at an address, which others may have as well, and
// gets no connection there before it is opened.
func sharedDoor(flag, address string) (*door, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, listenError(flag, address, err)
	}
	socket, bound, err := bindShared(tcp)
	if err != nil {
		if errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("%w: --%s %s: %w; what listens there does so without --reuse-port, or as another user: stop it first",
				ErrConfig, flag, address, err)
		}
		return nil, listenError(flag, address, err)
	}
	return &door{
		flag: flag, address: bound, settle: settledShared, queued: queued, stopped: make(chan struct{}),
		join:    func() (*net.TCPListener, error) { return joinShared(socket, bound) },
		abandon: func() { _ = socket.Close() },
	}, nil
}

// bindShared binds a socket without listening. An address without a host, or
// with 0.0.0.0, is every address of the machine, IPv6 and IPv4 where it has
// both: so does net.Listen take it.
func bindShared(tcp *net.TCPAddr) (*os.File, net.Addr, error) {
	if tcp.IP.IsUnspecified() {
		tcp = &net.TCPAddr{Port: tcp.Port}
	}
	domain := unix.AF_INET6
	if tcp.IP.To4() != nil {
		domain = unix.AF_INET
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) && tcp.IP == nil {
		domain = unix.AF_INET
		fd, err = unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return nil, nil, os.NewSyscallError("socket", err)
	}
	socket := os.NewFile(uintptr(fd), tcp.String())
	bound, err := bindFD(fd, domain, tcp)
	if err != nil {
		_ = socket.Close()
		return nil, nil, err
	}
	return socket, bound, nil
}

func bindFD(fd, domain int, tcp *net.TCPAddr) (net.Addr, error) {
	var where unix.Sockaddr
	options := [][3]int{{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}, {unix.SOL_SOCKET, unix.SO_REUSEPORT, 1}}
	if domain == unix.AF_INET {
		to := &unix.SockaddrInet4{Port: tcp.Port}
		copy(to.Addr[:], tcp.IP.To4())
		where = to
	} else {
		to := &unix.SockaddrInet6{Port: tcp.Port}
		copy(to.Addr[:], tcp.IP.To16())
		where = to
		options = append(options, [3]int{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0})
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, where); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: name.Addr[:], Port: name.Port}, nil
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: name.Addr[:], Port: name.Port}, nil
	default:
		return nil, fmt.Errorf("a TCP socket has the address %T", name)
	}
}

// joinShared begins to listen, behind the others, and has all new connections
// come here.
func joinShared(socket *os.File, address net.Addr) (*net.TCPListener, error) {
	defer socket.Close() //nolint:errcheck // the listener has a copy
	fd := int(socket.Fd())
	if err := unix.Listen(fd, backlog); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	listener, err := net.FileListener(socket)
	if err != nil {
		return nil, err
	}
	number, err := listenersAt(address)
	if err == nil {
		err = choose(fd, max(0, number-1))
	}
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("take over %s: %w", address, err)
	}
	return listener.(*net.TCPListener), nil //nolint:errcheck // it is of the family that was asked for
}

// choose installs the program that gives every new connection to one socket of the group.
func choose(fd, number int) error {
	program, err := bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: uint32(number)}})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(program))
	for i, step := range program {
		filter[i] = unix.SockFilter{Code: step.Op, Jt: step.Jt, Jf: step.Jf, K: step.K}
	}
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	return os.NewSyscallError("setsockopt SO_ATTACH_REUSEPORT_CBPF", err)
}

// listenersAt counts the sockets that listen at exactly this address, those of
// other processes included.
func listenersAt(address net.Addr) (int, error) {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("%s is no TCP address", address)
	}
	file, ip := "/proc/net/tcp", tcp.IP.To4()
	if len(tcp.IP) == net.IPv6len {
		file, ip = "/proc/net/tcp6", tcp.IP
	}
	var want strings.Builder
	for ; len(ip) > 0; ip = ip[4:] {
		fmt.Fprintf(&want, "%08X", binary.NativeEndian.Uint32(ip))
	}
	fmt.Fprintf(&want, ":%04X", tcp.Port)
	return countListening(file, want.String())
}

// countListening counts the lines of a table of sockets whose local address is
// address and whose state is LISTEN.
func countListening(file, address string) (count int, err error) {
	table, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer table.Close() //nolint:errcheck // it was only read
	const listen = "0A"
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // sl local remote state …
		if len(fields) > 3 && fields[1] == address && fields[3] == listen {
			count++
		}
	}
	return count, lines.Err()
}

// queued reports whether a connection waits to be accepted.
func queued(listener *net.TCPListener) bool {
	raw, err := listener.SyscallConn()
	if err != nil {
		return false
	}
	waiting := false
	_ = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 0)
		waiting = n > 0 && (err == nil || errors.Is(err, syscall.EINTR))
	})
	return waiting
}
