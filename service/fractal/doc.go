// SPDX-License-Identifier: Apache-2.0

// Package fractal encodes and parses the messages of the Fractal Generator Protocol, an example service that RSPLIB has
// and Wireshark dissects, and does the arithmetic on both sides of it: a pool user asks for a part of the Mandelbrot set
// by a [Parameter], a pool element computes how many iterations each pixel takes and sends them as [Data], row by row.
// Now and then it gives the user a [Cookie], with which the next element goes on where the first has stopped.
//
// Messages go over stream 0, in order, with payload protocol identifier [PPID]. All numbers are big-endian:
//
//	Parameter  01 flags length(16)  Width(32) Height(32) MaxIterations(32) Algorithm(32)  C1 C2 N as IEEE 754 doubles
//	Data       02 flags length(16)  StartX(32) StartY(32) Points(32)  iterations of each point (32)
//	end        02 flags length(16)  ffffffff ffffffff 00000000
//	Cookie     "<FG-TD1>" Parameter, of which the length field says 4  X(32) Y(32)
//
// The points of a Data are those from (StartX, StartY) to the right, and go on in the next row at the edge. Pixel (x, y)
// stands for the number C1 + (x (Re C2 − Re C1) / Width, y (Im C2 − Im C1) / Height).
//
// Package service has both sides at work.
//
// # Limitations
//
// There is no RFC of it: the bytes, and the numbers for [Mandelbrot], are those of RSPLIB 3.4.4. Flags are sent as 0 and
// not looked at. A cookie proves nothing: who has it can have made it up.
package fractal
