package routing

// SamplePoint is where a request stands for sampling, 0…9999: it is in a sample
// of so many basis points when its point is below that. It hangs on the cohort
// key alone, so that a visitor is sampled whole or not at all, and says nothing
// about which side serves him. A request without a key goes by its client's
// address.
func (r *Route) SamplePoint(req *Request) int {
	return r.cohort.samplePoint(req)
}

func (c *cohort) samplePoint(req *Request) int {
	for i := range c.keys {
		if v, ok := c.ask(&c.keys[i], req, nil, 0); ok {
			return pointOf(scattered(v.hash))
		}
	}
	return pointOf(scattered(c.salt.hash(c.chain.salt, req.Client.String())))
}

// scattered makes another hash of one (the finaliser of Murmur3), as a salt of
// its own would: the visitors below a weight must not be those below a sample.
func scattered(hash uint64) uint64 {
	hash ^= hash >> 33
	hash *= 0xff51afd7ed558ccd
	hash ^= hash >> 33
	hash *= 0xc4ceb9fe1a85ec53
	return hash ^ hash>>33
}
