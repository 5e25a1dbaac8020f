package shadow

import (
	"context"
	"errors"
)

var (
	// ErrUncertain says that a batch may have been added, or not.
	ErrUncertain = errors.New("whether the evidence was added is not known")
	// ErrUnknownExemplar says that there is no such exemplar, or not any more.
	ErrUnknownExemplar = errors.New("there is no such exemplar")
)

// MaxSets is how many different sets of signatures are kept of one route and
// epoch. Fields that differ at random, each for itself, make a new set of nearly
// every comparison; without a bound the sets would outgrow the signatures.
const MaxSets = 4 * MaxSignatures

// Sink is the store as those who gather evidence need it.
type Sink interface {
	// AddEvidence adds a batch to what this router and the others have added. What
	// a batch refers to is in it, or was in an earlier one: the epochs of its
	// tallies, the sightings of the signatures that its sets and exemplars name,
	// the sets that its tallies name.
	//
	// Of one route and epoch MaxSignatures are kept, and MaxSets. Where a set, or
	// one of its members, finds no room, its tally becomes one of ResultOverflow,
	// and the tally of a signature without room is dropped: a comparison is in one
	// set only, and so it is counted once. Of new signatures the most frequent
	// find room first.
	//
	// After an error nothing of the batch was added, unless it matches ErrUncertain.
	AddEvidence(ctx context.Context, batch Batch) error
	// FoldEvidence adds old minutes up to hours, forgets what is past its time, and
	// keeps the byte quota. Several routers may do it at once.
	FoldEvidence(ctx context.Context) error
}

// Reader is the store as those who look at evidence need it.
type Reader interface {
	// Evidence returns what is kept of each route with evidence, by name. A route
	// that does not have the epoch that the query asks for is left out.
	//
	// The current epoch of a route is the one that began last, among those heard of
	// in the last minute that any was heard of. When it began is not enough: who
	// takes a rule back goes by an earlier epoch again. One that names no build is
	// current only where no other of them does: what a router that has just started
	// gets from a new side that fails names none.
	//
	// Query.Since is exact to the minute, and beyond two hours to the hour, which is
	// then counted whole. Zero means everything of the epoch, and of the skipped
	// requests those since it began.
	Evidence(ctx context.Context, query Query) ([]Evidence, error)
	// Exemplar returns one exemplar. Errors: ErrUnknownExemplar.
	Exemplar(ctx context.Context, id string) (Exemplar, error)
	// Exemplars returns those of the ids that are still there, newest first.
	Exemplars(ctx context.Context, ids []string) ([]Exemplar, error)
}
