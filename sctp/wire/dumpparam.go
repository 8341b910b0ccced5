// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"strings"
)

// String returns a summary of the parameter. What may be secret or long, such
// as cookies and random numbers, is shown as its length.
func (p Param) String() string {
	s, err := p.body()
	switch {
	case err != nil:
		return fmt.Sprintf("%v (%v)", p.Type, err)
	case s == "":
		return p.Type.String()
	}
	return p.Type.String() + " " + s
}

func (p Param) body() (string, error) {
	switch p.Type {
	case ParamIPv4, ParamIPv6:
		a, err := p.Address()
		return a.String(), err
	case ParamSupportedAddressTypes:
		types, err := p.SupportedAddressTypes(nil)
		return list(types), err
	case ParamSupportedExtensions, ParamChunkList:
		types, err := p.ChunkTypes(nil)
		return list(types), err
	case ParamHMACAlgo:
		ids, err := p.HMACAlgos(nil)
		return list(ids), err
	case ParamCookiePreservative, ParamAdaptationIndication, ParamZeroChecksumAcceptable:
		x, err := p.uint32(p.Type)
		return fmt.Sprint(x), err
	case ParamUnrecognized:
		in, err := p.Unrecognized()
		return in.Type.String(), err
	case ParamAddIP, ParamDeleteIP, ParamSetPrimary:
		r, err := p.AsconfRequest()
		return fmt.Sprintf("id=%d %v", r.ID, r.Address), err
	case ParamSuccessIndication, ParamErrorCauseIndication:
		r, err := p.AsconfResponse()
		w := &strings.Builder{}
		fmt.Fprintf(w, "id=%d", r.ID)
		dumpCauses(w, r.Causes)
		return w.String(), err
	case ParamOutgoingReset, ParamIncomingReset:
		var r StreamReset
		err := p.StreamReset(&r)
		s := fmt.Sprintf("req=%d", r.RequestSeq)
		if !r.Incoming {
			s += fmt.Sprintf(" resp=%d last=%d", r.ResponseSeq, r.LastTSN)
		}
		return s + fmt.Sprintf(" sids=%d", r.Streams), err
	case ParamSSNTSNReset:
		req, err := p.SSNTSNReset()
		return fmt.Sprintf("req=%d", req), err
	case ParamAddOutgoingStreams, ParamAddIncomingStreams:
		a, err := p.AddStreams()
		return fmt.Sprintf("req=%d n=%d", a.RequestSeq, a.Streams), err
	case ParamReconfigResponse:
		r, err := p.ReconfigResponse()
		s := fmt.Sprintf("resp=%d %v", r.ResponseSeq, r.Result)
		if r.HasTSNs {
			s += fmt.Sprintf(" sender=%d receiver=%d", r.SenderNextTSN, r.ReceiverNextTSN)
		}
		return s, err
	}
	if len(p.Value) == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d bytes", len(p.Value)), nil
}

// String returns a summary of the error cause.
func (c Cause) String() string {
	s, err := c.body()
	switch {
	case err != nil:
		return fmt.Sprintf("%v (%v)", c.Code, err)
	case s == "":
		return c.Code.String()
	}
	return c.Code.String() + " " + s
}

func (c Cause) body() (string, error) {
	switch c.Code {
	case CauseInvalidStream:
		sid, err := c.InvalidStream()
		return fmt.Sprintf("sid=%d", sid), err
	case CauseMissingParam:
		types, err := c.MissingParams(nil)
		return list(types), err
	case CauseStaleCookie:
		us, err := c.StaleCookie()
		return fmt.Sprintf("%d us", us), err
	case CauseNoUserData:
		tsn, err := c.NoUserData()
		return fmt.Sprintf("tsn=%d", tsn), err
	case CauseUnrecognizedChunk:
		t, err := c.UnrecognizedChunk()
		return t.String(), err
	case CauseUnsupportedHMAC:
		id, err := c.UnsupportedHMAC()
		return id.String(), err
	case CauseUserInitiatedAbort, CauseProtocolViolation:
		if len(c.Value) == 0 {
			return "", nil
		}
		return fmt.Sprintf("%q", c.Value), nil
	case CauseUnresolvableAddress, CauseUnrecognizedParams, CauseRestartNewAddresses,
		CauseDeleteLastAddress, CauseResourceShortage, CauseDeleteSourceAddress, CauseNoAuthorization:
		if CheckParams(c.Value) == nil {
			w := &strings.Builder{}
			dumpParams(w, c.Value)
			return strings.TrimPrefix(w.String(), " "), nil
		}
	}
	if len(c.Value) == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d bytes", len(c.Value)), nil
}

func dumpParams(w *strings.Builder, b []byte) {
	if len(b) == 0 {
		return
	}
	sep := " {"
	for p, err := range Params(b) {
		w.WriteString(sep)
		sep = ", "
		if err != nil {
			w.WriteString(err.Error())
		} else {
			w.WriteString(p.String())
		}
	}
	w.WriteString("}")
}

func dumpCauses(w *strings.Builder, b []byte) {
	if len(b) == 0 {
		return
	}
	sep := " {"
	for c, err := range Causes(b) {
		w.WriteString(sep)
		sep = ", "
		if err != nil {
			w.WriteString(err.Error())
		} else {
			w.WriteString(c.String())
		}
	}
	w.WriteString("}")
}

// list writes values whose names contain spaces.
func list[T fmt.Stringer](xs []T) string {
	var names []string
	for _, x := range xs {
		names = append(names, x.String())
	}
	return "[" + strings.Join(names, ", ") + "]"
}
