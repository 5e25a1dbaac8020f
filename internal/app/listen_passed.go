package app

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// The names of sockets that a service manager passes (FileDescriptorName=),
// which are those of the listeners.
const (
	dataListener  = "data"
	adminListener = "admin"
)

// passedDoors makes doors of the sockets that the service manager has opened,
// by listener. They are known by their names, or by their order where none of
// them has one: data, then admin.
func passedDoors(files []*os.File) (doors map[string]*door, err error) {
	doors = make(map[string]*door, len(files))
	defer func() {
		if err != nil {
			closeAll(doors)
		}
	}()
	names, err := passedNames(files)
	if err != nil {
		return doors, err
	}
	for i, file := range files {
		listener, err := net.FileListener(file)
		if err != nil {
			return doors, fmt.Errorf("%w: the passed socket %q cannot be listened on: %w; use ListenStream= with a port", ErrConfig, file.Name(), err)
		}
		_ = file.Close() // the listener has a copy
		tcp, ok := listener.(*net.TCPListener)
		if !ok {
			_ = listener.Close()
			return doors, fmt.Errorf("%w: the passed socket %q is %s, not TCP; use ListenStream= with a port", ErrConfig, file.Name(), listener.Addr().Network())
		}
		door := newDoor(names[i], tcp)
		door.inherited = true
		doors[names[i]] = door
	}
	return doors, nil
}

// passedNames says which listener each socket is for.
func passedNames(files []*os.File) ([]string, error) {
	names := make([]string, len(files))
	unnamed := 0
	for i, file := range files {
		names[i] = file.Name()
		if isUnnamed(file.Name()) {
			unnamed++
		}
	}
	if unnamed == len(files) && unnamed <= 2 {
		return []string{dataListener, adminListener}[:unnamed], nil
	}
	taken := make(map[string]bool)
	for _, name := range names {
		if name != dataListener && name != adminListener {
			return nil, fmt.Errorf("%w: the service manager passed %d sockets, one of them called %q: want FileDescriptorName=%s, =%s, or at most two without one, data first",
				ErrConfig, len(files), name, dataListener, adminListener)
		}
		if taken[name] {
			return nil, fmt.Errorf("%w: the service manager passed two sockets called %q: one of a name is enough", ErrConfig, name)
		}
		taken[name] = true
	}
	return names, nil
}

// isUnnamed reports whether a socket has the name that it gets without
// FileDescriptorName=: that of its unit, or none at all.
func isUnnamed(name string) bool {
	return name == "unknown" || strings.HasSuffix(name, ".socket") || strings.HasPrefix(name, "LISTEN_FD_")
}

// closeAll closes doors that will not be used.
func closeAll(doors map[string]*door) {
	for _, g := range doors {
		_ = g.Close()
	}
}
