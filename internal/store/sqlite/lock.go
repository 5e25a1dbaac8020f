package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/stranglerfig/strangler/internal/store/internal/relational"
)

// ErrLocked says that another router serves this file.
var ErrLocked = errors.New("the SQLite file is in use by another router")

// retryLock is how often a waiting process looks at a lock again.
const retryLock = 20 * time.Millisecond

// lock keeps other routers off the file until unlock is called, or the process
// ends in whatever way. The lock file stays: removing it would let two
// processes lock two files of the same name.
func lock(path string) (unlock func() error, err error) {
	held := lockFile(path + ".lock")
	got, err := held.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%w: %s.lock cannot be locked: %w", relational.ErrAddress, path, err)
	}
	if !got {
		return nil, fmt.Errorf("%w: %s; stop the other one, or keep the store in PostgreSQL (--database postgres://…), which several routers can share",
			ErrLocked, path)
	}
	return held.Unlock, nil
}

// lockMigrations waits until no other process migrates the file; golang-migrate's
// own lock on SQLite holds within one process only.
func lockMigrations(ctx context.Context, path string) (unlock func(), err error) {
	held := lockFile(path + ".migrate.lock")
	if _, err := held.TryLockContext(ctx, retryLock); err != nil {
		return nil, err
	}
	return func() { _ = held.Unlock() }, nil
}

func lockFile(path string) *flock.Flock {
	return flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
}
