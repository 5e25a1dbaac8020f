package rollout

// Verification is what following the chain of hashes through the history found.
type Verification struct {
	Events int64        // rows that were read and are right
	Head   string       // hash of the last row that is right, in hex; of an empty history, of the store's id
	Broken *BrokenEvent // nil: the chain holds
}

// BrokenEvent is the first row that is not what was written.
type BrokenEvent struct {
	ID  int64 // of the event; where rows are missing, of the first of them
	Why string
}
