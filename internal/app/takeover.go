package app

import (
	"context"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// inherit takes the sockets that the service manager passed. They win over the
// addresses in the settings, which from here on are theirs.
func (r *Router) inherit() error {
	doors, err := passedDoors(r.env.Passed)
	if err != nil {
		return err
	}
	r.data, r.admin = doors[dataListener], doors[adminListener]
	if len(doors) > 0 && r.config.ReusePort {
		return fmt.Errorf("%w: --reuse-port: the service manager has passed sockets that stay open over a restart, so there is nothing to hand over; leave it out", ErrConfig)
	}
	r.prefer(r.data, &r.config.Listen)
	r.prefer(r.admin, &r.config.Admin)
	return nil
}

// prefer puts a passed socket in the place of a setting.
func (r *Router) prefer(passed *door, setting *string) {
	if passed == nil {
		return
	}
	address := passed.Addr().String()
	r.logger.Info("the service manager passed this socket: it is used in place of the setting",
		"listener", passed.flag, "address", address, "setting", *setting)
	*setting = address
}

// listen takes the ports that were not passed, so that a port in use is known
// before anything else happens.
func (r *Router) listen() (err error) {
	take := openDoor
	if r.config.ReusePort {
		take = sharedDoor
	}
	if r.data == nil {
		if r.data, err = take("listen", r.config.Listen); err != nil {
			return err
		}
	}
	if r.admin == nil {
		r.admin, err = take("admin", r.config.Admin)
	}
	return err
}

// takeOver opens the listeners that are not open yet: those of a router that
// hands over from another one. Until there is something to serve by, nobody
// should come here.
func (r *Router) takeOver(ctx, failed context.Context) error {
	if !r.config.ReusePort {
		return nil
	}
	r.logger.Info("taking over as soon as there is a table to serve by", "address", r.data.Addr().String())
	select {
	case <-r.watcher.Ready():
	case <-ctx.Done():
		return ctx.Err()
	case <-failed.Done():
		return failed.Err()
	}
	for _, door := range [...]*door{r.admin, r.data} {
		if err := waitForTurn(ctx, door.Addr(), r.config.DrainDelay+r.config.DrainTimeout+takeOverPatience, r.logger); err != nil {
			return err
		}
	}
	if err := r.admin.open(); err != nil {
		return err
	}
	return r.data.open()
}

// tablePatience is how long clients in an inherited queue wait for a table. The
// watcher takes the snapshot file when the store is silent for five seconds.
const tablePatience = 10 * time.Second

// awaitTable leaves the clients that came between two routers in the inherited
// queue until they can be served; without a table for long they are told.
func (r *Router) awaitTable(ctx context.Context) {
	if !r.data.inherited {
		return
	}
	select {
	case <-r.watcher.Ready():
	case <-time.After(tablePatience):
	case <-ctx.Done():
	}
}

// tell passes a state on to the service manager, if there is one.
func (r *Router) tell(state string) {
	if r.env.Notify == nil {
		return
	}
	if err := r.env.Notify(state); err != nil {
		r.logger.Warn("the service manager could not be told", "state", state, "error", err)
	}
}

// tellReady says that requests are served, once they are.
func (r *Router) tellReady(ctx context.Context) {
	select {
	case <-r.watcher.Ready():
		r.tell("READY=1")
	case <-ctx.Done():
	}
}

// tellRevision says what is served.
func (r *Router) tellRevision(revision routing.Revision) {
	r.tell(fmt.Sprintf("STATUS=serving revision %d", revision))
}
