from .multimodal_iou_metric import MultimodalIoUMetric

__all__ = ['MultimodalIoUMetric']
