/**
 * tussi: the upload server that does not lose files.
 *
 * @module
 */
export type { AttachOptions } from './adapters/attach.ts'
export type { FetchContext, FetchListener } from './adapters/fetch.ts'
export type { AttachedAnswer } from './adapters/http1-service.ts'
export type { NodeListener } from './adapters/node.ts'
export type { CloseOptions, FollowOptions, StopOptions } from './app/call-options.ts'
export { TusApp } from './app/tus-app.ts'
export { UploadError, type UploadErrorCode, type UploadErrorOptions } from './errors.ts'
export type { CorsOption, CorsOptions, OriginCheck } from './http/cors.ts'
export { Janitor } from './janitor/janitor.ts'
export type { JanitorCounts, JanitorOptions, JanitorStartOptions } from './janitor/options.ts'
export type { Logger } from './logger.ts'
export type { ExpirationOption, TusAppOptions } from './options.ts'
export { CompletedUpload } from './queue/completed-upload.ts'
export type { WaitForFileOptions } from './queue/wait-for-file.ts'
export type { WorkContext, WorkHandler, WorkOptions } from './queue/work.ts'
export type { Claim, ClaimOptions, CompletedQueue, SaveOptions } from './store/completed-queue.ts'
export { FilesystemStorage, type FilesystemStorageOptions } from './store/fs/filesystem-storage.ts'
export type {
  AppendRequest,
  AppendResult,
  Batch,
  Content,
  FirstContent,
  NewUpload,
  Storage,
  StoredEntry,
  TerminateRequest,
} from './store/storage.ts'
export type { StoredUpload, UploadEnd, UploadInfo, UploadState } from './store/upload.ts'
export type {
  UploadAnswer,
  UploadConcat,
  UploadExpiry,
  UploadMinima,
  UploadNotes,
  UploadRefusal,
} from './store/upload-notes.ts'
export { type RecordFields, UploadRecord } from './store/upload-record.ts'
export type { AdmissionOptions, QuotaRule, SizeRule } from './upload/admission-options.ts'
export type { AuthorizeHook, AuthorizeQuestion, UploadRequest } from './upload/authorize.ts'
export type {
  EventHandler,
  TusEvent,
  UploadCompletedEvent,
  UploadCreatedEvent,
  UploadFailedEvent,
  UploadProgressEvent,
  UploadRefusedEvent,
  UploadTerminatedEvent,
} from './upload/events.ts'
export type { UploadProgress } from './upload/follow-progress.ts'
export type { CreateHook } from './upload/uploads.ts'
export type {
  CompleteHook,
  CompletionAnswer,
  SealedUpload,
  SniffHook,
} from './upload/verdict.ts'
