/*
 * What bounds the process that decodes.
 */
#ifndef ALX_IMAGE_WORKER_H
#define ALX_IMAGE_WORKER_H

/* Limits this process, for the rest of its life, to computing and to talking over `socket`: no
 * files, no processes, so much memory and processor time, and (with libseccomp) no other system
 * calls. */
void alx_worker_confine(int socket);

#endif
