package pgtest

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// errNoAccount says that root has nobody to run the server as.
var errNoAccount = errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")

// unprivileged is whom the server runs as: this user, or postgres or nobody
// when this user is root.
func unprivileged() (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{Setpgid: true}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			return &syscall.SysProcAttr{Setpgid: true, Credential: credential}, nil
		}
	}
	return nil, errNoAccount
}
