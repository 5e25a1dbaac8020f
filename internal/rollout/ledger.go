package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Ledger keeps where every route stands, and the events that brought it there.
type Ledger interface {
	// Change runs decide on each selected route's record inside one
	// transaction, writes the changed states and one event each, and commits
	// them as one new revision. When decide changes nothing, no revision is
	// spent. An error of decide, or of the selection, leaves everything as it was.
	//
	// Errors: ErrUnknownRoute, *Conflict, ErrFenced, ErrOvertaken, whatever decide returned, or a
	// store error that matches ErrUnavailable. Only after one that matches
	// ErrUncertain is it open whether the change was made.
	Change(ctx context.Context, sel Selection, decide func(Record) (Decision, error)) (Committed, error)
}

// Selection says which routes a change is about.
type Selection struct {
	Routes     []string          // by name; ignored when All or Group is set
	All        bool              // every route that has a new side, or stands as if it had one
	Group      string            // every route of this group that has a new side; "": no group
	IfRevision *routing.Revision // one route only: refuse with *Conflict unless its Revision is this one
	Fence      *Fence            // nil: a person; else refuse with ErrFenced unless it is the present lease's
	Table      *routing.Revision // refuse with ErrOvertaken unless it is the newest; nil: whichever is
}

// Decision is what is to be done to one route. The Ledger fills the event's
// ID, Revision and At.
type Decision struct {
	Changed bool
	Next    State
	Event   Event
}

// Committed tells what a change became.
type Committed struct {
	Previous routing.Revision // of the table before
	Revision routing.Revision // of the table now; equal to Previous when nothing changed
	At       time.Time
	Routes   []Record // each selected route as it is now, in the order of the selection (All, Group: by name)
}

// ErrUnknownRoute says that a selection names a route that is not defined.
var ErrUnknownRoute = errors.New("unknown route")

// ErrUnavailable says that the store cannot be reached or refuses writes; the
// change was not made.
var ErrUnavailable = errors.New("the store is unavailable")

// ErrUncertain says that a change was handed to the store and no answer came
// back: whether it was made is not known, the history will tell.
var ErrUncertain = errors.New("whether the change was made is not known")

// ErrOvertaken says that something has changed since the table by which it was
// decided, be it somebody's switch; nothing was changed.
var ErrOvertaken = errors.New("something has changed meanwhile")

// ErrText says that a name or a reason holds what no store keeps: a NUL byte,
// or bytes that are not UTF-8. Nothing was changed.
var ErrText = errors.New("text that cannot be stored")

// Conflict is a write that expected another revision than the route has.
type Conflict struct {
	Kind, Name string // of what was to be changed: "route", "orders-get"
	Want, Have routing.Revision
	By         string // who made the change that was not expected
	At         time.Time
}

// Error names both revisions and who was faster.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%s %s is at revision %d, not %d: %s changed it at %s; nothing was changed",
		c.Kind, c.Name, c.Have, c.Want, c.By, c.At.UTC().Format(time.RFC3339))
}
