// SPDX-License-Identifier: Apache-2.0

package wire

// reencode decodes a chunk by its type down to every parameter and error
// cause, and encodes what it found.
func reencode(c Chunk) ([]byte, error) {
	switch c.Type {
	case ChunkData:
		d, err := ParseData(c)
		return d.Append(nil), err
	case ChunkIData:
		d, err := ParseIData(c)
		return d.Append(nil), err
	case ChunkInit, ChunkInitAck:
		i, err := ParseInit(c)
		if err != nil {
			return nil, err
		}
		i.Params, err = reencodeParams(i.Params)
		return countPadding(c, i.Append(nil, c.Type)), err
	case ChunkSack:
		var s Sack
		err := ParseSack(c, &s)
		return s.Append(nil), err
	case ChunkHeartbeat, ChunkHeartbeatAck:
		info, err := ParseHeartbeat(c)
		return AppendHeartbeat(nil, c.Type, info), err
	case ChunkAbort:
		causes, reflected, err := ParseAbort(c)
		if err != nil {
			return nil, err
		}
		causes, err = reencodeCauses(causes)
		return countPadding(c, AppendAbort(nil, reflected, causes)), err
	case ChunkError:
		causes, err := ParseErrorChunk(c)
		if err != nil {
			return nil, err
		}
		causes, err = reencodeCauses(causes)
		return countPadding(c, AppendError(nil, causes)), err
	case ChunkShutdown:
		cum, err := ParseShutdown(c)
		return AppendShutdown(nil, cum), err
	case ChunkShutdownAck:
		return AppendShutdownAck(nil), ParseShutdownAck(c)
	case ChunkShutdownComplete:
		reflected, err := ParseShutdownComplete(c)
		return AppendShutdownComplete(nil, reflected), err
	case ChunkCookieEcho:
		cookie, err := ParseCookieEcho(c)
		return AppendCookieEcho(nil, cookie), err
	case ChunkCookieAck:
		return AppendCookieAck(nil), ParseCookieAck(c)
	case ChunkECNE:
		tsn, err := ParseECNE(c)
		return AppendECNE(nil, tsn), err
	case ChunkCWR:
		tsn, err := ParseCWR(c)
		return AppendCWR(nil, tsn), err
	case ChunkForwardTSN:
		var f ForwardTSN
		err := ParseForwardTSN(c, &f)
		return f.Append(nil), err
	case ChunkIForwardTSN:
		var f IForwardTSN
		err := ParseIForwardTSN(c, &f)
		return f.Append(nil), err
	case ChunkAuth:
		a, err := ParseAuth(c)
		return a.Append(nil), err
	case ChunkAsconf:
		a, err := ParseAsconf(c)
		if err != nil {
			return nil, err
		}
		a.Params, err = reencodeParams(a.Params)
		return countPadding(c, a.Append(nil)), err
	case ChunkAsconfAck:
		a, err := ParseAsconfAck(c)
		if err != nil {
			return nil, err
		}
		a.Params, err = reencodeParams(a.Params)
		return countPadding(c, a.Append(nil)), err
	case ChunkReconfig:
		r, err := ParseReconfig(c)
		if err != nil {
			return nil, err
		}
		r.Params, err = reencodeParams(r.Params)
		return countPadding(c, r.Append(nil)), err
	}
	return AppendChunk(nil, c.Type, c.Flags, c.Value), nil
}

// countPadding makes the length of the new chunk count the padding of the last
// parameter or cause if c did so: the encoders do not.
func countPadding(c Chunk, b []byte) []byte {
	if len(b) == padded(len(c.Raw)) {
		putChunkHeader(b, c.Type, b[1], len(c.Raw))
	}
	return b
}

func reencodeParams(b []byte) (out []byte, err error) {
	for p, err := range Params(b) {
		if err != nil {
			return nil, err
		}
		q, err := reencodeParam(p)
		if err != nil {
			return nil, err
		}
		out = append(out, q...)
	}
	return out, nil
}

func reencodeParam(p Param) ([]byte, error) {
	switch p.Type {
	case ParamIPv4, ParamIPv6:
		a, err := p.Address()
		return AppendAddress(nil, a), err
	case ParamStateCookie:
		cookie, err := p.StateCookie()
		return AppendStateCookie(nil, cookie), err
	case ParamUnrecognized:
		in, err := p.Unrecognized()
		return AppendUnrecognizedParam(nil, in.Raw), err
	case ParamCookiePreservative:
		ms, err := p.CookiePreservative()
		return AppendCookiePreservative(nil, ms), err
	case ParamSupportedAddressTypes:
		types, err := p.SupportedAddressTypes(nil)
		return AppendSupportedAddressTypes(nil, types...), err
	case ParamSupportedExtensions:
		types, err := p.ChunkTypes(nil)
		return AppendSupportedExtensions(nil, types...), err
	case ParamChunkList:
		types, err := p.ChunkTypes(nil)
		return AppendChunkList(nil, types...), err
	case ParamRandom:
		r, err := p.Random()
		return AppendRandom(nil, r), err
	case ParamHMACAlgo:
		ids, err := p.HMACAlgos(nil)
		return AppendHMACAlgo(nil, ids...), err
	case ParamZeroChecksumAcceptable:
		x, err := p.ZeroChecksumAcceptable()
		return AppendZeroChecksumAcceptable(nil, x), err
	case ParamAdaptationIndication:
		x, err := p.AdaptationIndication()
		return AppendAdaptationIndication(nil, x), err
	case ParamAddIP, ParamDeleteIP, ParamSetPrimary:
		r, err := p.AsconfRequest()
		return r.Append(nil), err
	case ParamSuccessIndication, ParamErrorCauseIndication:
		r, err := p.AsconfResponse()
		return r.Append(nil), err
	case ParamOutgoingReset, ParamIncomingReset:
		var r StreamReset
		err := p.StreamReset(&r)
		return r.Append(nil), err
	case ParamSSNTSNReset:
		req, err := p.SSNTSNReset()
		return AppendSSNTSNReset(nil, req), err
	case ParamAddOutgoingStreams, ParamAddIncomingStreams:
		a, err := p.AddStreams()
		return a.Append(nil), err
	case ParamReconfigResponse:
		r, err := p.ReconfigResponse()
		return r.Append(nil), err
	}
	return AppendParam(nil, p.Type, p.Value), nil
}

func reencodeCauses(b []byte) (out []byte, err error) {
	for c, err := range Causes(b) {
		if err != nil {
			return nil, err
		}
		d, err := reencodeCause(c)
		if err != nil {
			return nil, err
		}
		out = append(out, d...)
	}
	return out, nil
}

func reencodeCause(c Cause) ([]byte, error) {
	switch c.Code {
	case CauseInvalidStream:
		sid, err := c.InvalidStream()
		return AppendInvalidStream(nil, sid), err
	case CauseMissingParam:
		types, err := c.MissingParams(nil)
		return AppendMissingParams(nil, types...), err
	case CauseStaleCookie:
		us, err := c.StaleCookie()
		return AppendStaleCookie(nil, us), err
	case CauseNoUserData:
		tsn, err := c.NoUserData()
		return AppendNoUserData(nil, tsn), err
	case CauseUnrecognizedChunk:
		_, err := c.UnrecognizedChunk()
		return AppendUnrecognizedChunk(nil, c.Value), err
	case CauseUnsupportedHMAC:
		id, err := c.UnsupportedHMAC()
		return AppendUnsupportedHMAC(nil, id), err
	}
	return AppendCause(nil, c.Code, c.Value), nil
}
